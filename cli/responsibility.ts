/** What an owner answers for with a grant, shown before it and acknowledged. R23, in the guide's words. */
import { confirmed } from './confirm.ts';
import type { Session } from './session.ts';

/** Stands with the delegation and in the audit trail: changes with the words. */
export const RESPONSIBILITY_VERSION = '2025-11';

const WORDS = [
  'Vous êtes responsable des accès ouverts par délégation sur votre boîte aux lettres et vous devez vous assurer que les délégataires ajoutés sont habilités à accéder aux informations relatives aux patients pris en charge, conformément aux règles relatives au secret professionnel.',
  '(You answer for the access that you open to your mailbox, and make sure that your delegates are entitled to the information about the patients in your care, under the rules of professional secrecy.)',
];

/** The version acknowledged; undefined where the site doesn't ask and nobody said so; null when the answer was no. */
export async function acknowledged(session: Session, given: boolean | undefined): Promise<string | undefined | null> {
  if (given === true) return RESPONSIBILITY_VERSION;
  if (!session.config.grant.acknowledge) return undefined;
  for (const line of WORDS) session.out.warn(line);
  const yes = await confirmed(session, 'Do you acknowledge this?', undefined, {
    message:
      'a grant needs that the owner’s responsibility is acknowledged, and there is no terminal to ask at; nothing was changed',
    hint: 'read the text above and give --acknowledge; [grant] acknowledge = false asks nobody',
  });
  return yes ? RESPONSIBILITY_VERSION : null;
}
