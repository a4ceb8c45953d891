/** Whom the lab's identity provider knows in the portal's tests: numbers of the national test kit and made-up ones, by `sub`. */
export type Claims = Readonly<Record<string, unknown>>;

const person = (SubjectNameID: string, given_name: string, family_name: string, more: Claims = {}): Claims => ({
  SubjectNameID,
  preferred_username: SubjectNameID,
  given_name,
  family_name,
  acr: 'eidas1',
  ...more,
});

export const DOCTOR = '899700245667';
export const OTHER_DOCTOR = '899700366240';
export const SECRETARY = '899700218896';
export const OTHER_SECRETARY = '899700075064';
/** Neither owner nor delegate, and in the group that administers; in the one that reads. */
export const ADMIN = '899700000005';
export const READER = '899700000013';
/** Nothing at all. */
export const STRANGER = '899700000021';

export const PEOPLE: Readonly<Record<string, Claims>> = {
  [DOCTOR]: person(DOCTOR, 'Doc', 'KIT'),
  [OTHER_DOCTOR]: person(OTHER_DOCTOR, 'Autre', 'KIT'),
  [SECRETARY]: person(SECRETARY, 'Sam', 'SECRÉTAIRE'),
  [OTHER_SECRETARY]: person(OTHER_SECRETARY, 'Alix', 'ASSISTANT'),
  [ADMIN]: person(ADMIN, 'Ada', 'ADMIN', { groups: ['mail-admins'] }),
  [READER]: person(READER, 'Rita', 'READER', { groups: ['mail-readers'] }),
  [STRANGER]: person(STRANGER, 'Nobody', 'HERE'),
};

/** Two owners' mailboxes, and a delegate with no delegation yet. */
export const MAILBOX = 'kit.doc@pro.formation.mssante.fr';
export const OTHER_MAILBOX = 'kit.autre@pro.formation.mssante.fr';

/** `mandat` of a fresh site: what the people above own. */
export async function peopled(mandat: (...args: readonly string[]) => Promise<unknown>): Promise<void> {
  await mandat('mailbox', 'add', MAILBOX, '--owner', DOCTOR);
  await mandat('mailbox', 'add', OTHER_MAILBOX, '--owner', OTHER_DOCTOR);
  await mandat('delegate', 'add', SECRETARY, '--login', 'sam');
}
