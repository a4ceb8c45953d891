/** What is on every page, in French. */
import { ACCOUNT_FR } from './account-fr.ts';
import { ADMIN_FR } from './admin-fr.ts';
import { CODES_FR } from './codes-fr.ts';
import { OWNER_FR } from './owner-fr.ts';

export const FR = {
  site: 'Délégations de boîtes aux lettres',
  skip: 'Aller au contenu',
  language: 'Langue',
  otherLanguage: 'English',
  menu: 'Menu',
  mailboxes: 'Mes boîtes aux lettres',
  account: 'Gérer mon compte',
  administration: 'Administration',
  signOut: 'Déconnexion',
  save: 'Enregistrer',
  cancel: 'Annuler',
  close: 'Fermer',
  back: 'Retour',
  look: 'Actualiser',
  optional: 'facultatif',
  none: 'aucune',
  unknown: 'non connu',
  wrong: 'Votre demande n’a pas abouti',
  toMend: (n: number) => (n > 1 ? `${n} points sont à corriger :` : 'Un point est à corriger :'),
  wrongTitle: (title: string) => `Erreur : ${title}`,
  notFound: 'Cette page n’existe pas.',
  notYours: 'Cette boîte aux lettres n’est pas la vôtre, ou n’existe pas.',
  notYourPage: 'Cette page n’est pas ouverte à votre compte.',
  nobody: 'Aucune boîte aux lettres ne vous appartient, et aucune ne vous est déléguée.',
  owner: OWNER_FR,
  delegate: ACCOUNT_FR,
  admin: ADMIN_FR,
  codes: CODES_FR,
};
