/** What an owner answers for with a grant, to be shown before it and acknowledged. R23, in the guide's words. */

/** Stands with the delegation and in the audit trail: changes with the words. */
export const RESPONSIBILITY_VERSION = '2025-11';

export const RESPONSIBILITY = {
  fr: 'Vous êtes responsable des accès ouverts par délégation sur votre boîte aux lettres et vous devez vous assurer que les délégataires ajoutés sont habilités à accéder aux informations relatives aux patients pris en charge, conformément aux règles relatives au secret professionnel.',
  en: 'You answer for the access that you open to your mailbox, and make sure that your delegates are entitled to the information about the patients in your care, under the rules of professional secrecy.',
} as const;
