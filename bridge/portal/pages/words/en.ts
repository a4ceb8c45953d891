/** What is on every page, in English. */
import { ACCOUNT_EN } from './account-en.ts';
import { ADMIN_EN } from './admin-en.ts';
import { CODES_EN } from './codes-en.ts';
import { OWNER_EN } from './owner-en.ts';
import type { Words } from './shape.ts';

export const EN: Words = {
  site: 'Mailbox delegations',
  skip: 'Skip to the content',
  language: 'Language',
  otherLanguage: 'Français',
  menu: 'Menu',
  mailboxes: 'My mailboxes',
  account: 'My account',
  administration: 'Administration',
  signOut: 'Sign out',
  save: 'Save',
  cancel: 'Cancel',
  close: 'Close',
  back: 'Back',
  look: 'Look again',
  optional: 'optional',
  none: 'none',
  unknown: 'not known',
  wrong: 'Your request was not carried out',
  toMend: (n) => (n > 1 ? `${n} things are to be put right:` : 'One thing is to be put right:'),
  wrongTitle: (title) => `Error: ${title}`,
  notFound: 'There is no such page.',
  notYours: 'This mailbox is not yours, or is not there.',
  notYourPage: 'This page is not open to your account.',
  nobody: 'No mailbox is yours, and none is delegated to you.',
  owner: OWNER_EN,
  delegate: ACCOUNT_EN,
  admin: ADMIN_EN,
  codes: CODES_EN,
};
