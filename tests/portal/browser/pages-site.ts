/**
 * The portal with its people in Chromium: a real identity provider, real databases, no mail server, so that what is asked for waits. One for all
 * cases of a file: browser and provider start once. Each group of cases has people and mailboxes of its own.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { Test } from 'tap';
import { actingAs, openSite } from '../../../bridge/acting/site.ts';
import { importExtract } from '../../../bridge/directory/import.ts';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { addMailbox } from '../../../bridge/store/table/mailboxes.ts';
import type { Config } from '../../../config/schema.ts';
import { extractOf, type Line, PHYSICIAN, ROLE_HOLDER, SECRETARY } from '../../directory/extract-maker.ts';
import type { Claims } from '../people.ts';
import { portalSite } from '../portal-site.ts';
import type { Browser } from './browser.ts';

/** Sections for people: accounts, notices, how a mailbox is reached. */
export const PEOPLED = `[accounts]
terms_url = "https://mail.example.org/cgu"
privacy_url = "https://mail.example.org/confidentialite"
[notices]
[mail_client]
domain = "example.org"
imap_host = "imap.example.org"
smtp_host = "smtp.example.org"
shared_folders = "shared/OWNER"
own_mailbox_url = "https://mail.example.org/ouvrir"
`;

/** Neither the tests' machine nor their browsers are there, and the clock changes in March and in November. */
export const ZONE = 'America/Miquelon';

const SITE = `data_dir = "data"
[identity]
unknown_credential = "valid"
[imap]
port = 1
tls = "none"
timeout_seconds = 1
[policy]
timezone = "${ZONE}"
${PEOPLED}`;

/** With the key that belongs to it. domain.md 1.2 */
export function rpps(ten: string): string {
  const sum = [...`${ten}0`].reverse().reduce((all, digit, place) => {
    const twice = Number(digit) * (place % 2 === 1 ? 2 : 1);
    return all + (twice > 9 ? twice - 9 : twice);
  }, 0);
  return `8${ten}${(10 - (sum % 10)) % 10}`;
}

/** Owners: of the owner's cases, and of the others'. */
export const HELENE = rpps('1000000101');
export const PAUL = rpps('1000000102');
export const ANNE = rpps('1000000105');
export const YANN = rpps('1000000106');
export const BRIAC = rpps('1000000111');
/** Delegates: of the owner's cases, of the delegate's, of the administrator's. */
export const MARTINE = rpps('1000000103');
export const FRANCK = rpps('1000000104');
export const LUCIE = rpps('1000000107');
export const NOLWENN = rpps('1000000108');
/** In the group that administers; in the one that reads. */
export const ADMIN = rpps('1000000109');
export const READER = rpps('1000000110');
/** Delegates of whom there are many, all of the name DURAND; the first of them have names that a page could stumble over. */
export const CROWD = Array.from({ length: 60 }, (_, n) => rpps(`10000002${String(n).padStart(2, '0')}`));
export const MARKUP = '<b>Zoé</b>';
export const TURNED = 'Ana\u202ekcits';

const listed = (identifier: string, firstName: string, lastName: string, more: Partial<Line> = {}): Line => ({
  identifier,
  firstName,
  lastName,
  profession: PHYSICIAN,
  postalCode: '29200',
  city: 'BREST',
  ...more,
});
const secretary = { profession: ROLE_HOLDER, role: SECRETARY };

export const PEOPLE: readonly Line[] = [
  listed(HELENE, 'HÉLÈNE', 'MARTIN'),
  listed(PAUL, 'PAUL', 'LE GALL'),
  listed(ANNE, 'ANNE', 'RIOU'),
  listed(YANN, 'YANN', 'CORRE'),
  listed(BRIAC, 'BRIAC', 'LE BRIS'),
  listed(MARTINE, 'MARTINE', 'BIARREY', secretary),
  listed(FRANCK, 'FRANCK', 'KERVELLA', secretary),
  listed(LUCIE, 'LUCIE', 'MORVAN', secretary),
  listed(NOLWENN, 'NOLWENN', 'GUEGUEN', secretary),
  ...CROWD.map((identifier, n) => listed(identifier, [MARKUP, TURNED][n] ?? `CAMILLE ${n}`, 'DURAND')),
];

const claims = (identifier: string, given_name: string, family_name: string, ...groups: readonly string[]) => [
  identifier,
  { SubjectNameID: identifier, given_name, family_name, acr: 'eidas1', groups },
];

/** Whose mailboxes there are where nothing else is said. */
const MAILBOXES: Readonly<Record<string, string>> = {
  'helene.martin@example.org': HELENE,
  'paul.legall@example.org': PAUL,
  'ferme@example.org': PAUL,
  'anne.riou@example.org': ANNE,
  'yann.corre@example.org': YANN,
  'briac.lebris@example.org': BRIAC,
};

/** As the identity provider knows them. */
const SIGNED_IN: Readonly<Record<string, Claims>> = Object.fromEntries([
  claims(HELENE, 'Hélène', 'Martin'),
  claims(PAUL, 'Paul', MARKUP),
  claims(ANNE, 'Anne', 'Riou'),
  claims(YANN, 'Yann', 'Corre'),
  claims(BRIAC, 'Briac', 'Le Bris'),
  claims(CROWD[0] ?? '', MARKUP, 'Durand'),
  claims(MARTINE, 'Martine', 'Biarrey'),
  claims(FRANCK, 'Franck', 'Kervella'),
  claims(LUCIE, 'Lucie', 'Morvan'),
  claims(NOLWENN, 'Nolwenn', 'Gueguen'),
  claims(ADMIN, 'Ada', 'Admin', 'mail-admins'),
  claims(READER, 'Rita', 'Reader', 'mail-readers'),
]);

/** Where things are on a page. */
export const button = (text: string) => `button:text-is("${text}")`;
export const link = (text: string) => `a:text-is("${text}")`;
export const row = (identifier: string) => `tr:has(th:text-is("${identifier}"))`;
export const mailboxAt = (name: string) => `/mailboxes/${name}%40example.org`;

export interface PagesOptions {
  /** A lab's, which has {@link PEOPLED}. Default: a site without servers. */
  readonly configFile?: string;
  readonly mailboxes?: Readonly<Record<string, string>>;
}

export async function pagesSite(t: Test, browser: Browser, { configFile, mailboxes = MAILBOXES }: PagesOptions = {}) {
  let ahead = 0;
  const here = await portalSite(t, {
    ...(configFile === undefined ? { site: SITE } : { configFile }),
    people: SIGNED_IN,
    clock: () => Date.now() + ahead,
  });
  const files = dataFiles(here.config.dataDir);
  const extract = path.join(here.directory, 'extract.txt');
  writeFileSync(extract, extractOf(PEOPLE));
  await importExtract(files.privateDirectory, extract, {
    known: [],
    maxShrinkPercent: 5,
    now: new Date().toISOString(),
  });
  const admin = actingAs(openSite(here.config), { kind: 'admin', name: 'setup' });
  for (const [address, owner] of Object.entries(mailboxes))
    await admin.writing(address, (db) =>
      addMailbox(db, admin.writer, address, { owner, eligible: address !== 'ferme@example.org' }),
    );

  const lastCode = () => {
    const state = new Database(files.state, { readonly: true });
    const code = state
      .prepare("SELECT json_extract(data, '$.code') FROM outbox WHERE kind = 'code' ORDER BY id DESC")
      .pluck()
      .get();
    state.close();
    return String(code);
  };

  const signedIn = new Map<string, Cookies>();
  return {
    ...here,
    admin,
    lastCode,
    /** Somebody's own browser window. The first time they sign in at the provider; afterwards it is another window of the same browser. */
    as: async (who: string, options: BrowserContextOptions = {}) => {
      const state = signedIn.get(who);
      const context = await browser.context({
        locale: 'fr-FR',
        baseURL: here.url,
        timezoneId: 'UTC',
        ...(state === undefined ? {} : { storageState: state }),
        ...options,
      });
      const page = await context.newPage();
      if (state === undefined) {
        await signIn(page, who);
        signedIn.set(who, await context.storageState());
      }
      return Object.assign(page, { asked: context.asked });
    },
    /** Everybody's session is over, as it is when nobody has clicked for so long. */
    sessionsRunOut: () => {
      ahead += 31 * 60_000;
      signedIn.clear();
    },
    /** Another configuration, with which everybody signs in again. */
    configured: async (change: Partial<Config>) => {
      await here.restart({ ...here.config, ...change });
      signedIn.clear();
    },
  };
}

type Cookies = Awaited<ReturnType<BrowserContext['storageState']>>;

/** From the portal to the provider, who one is, and back. */
export async function signIn(page: Page, who: string): Promise<void> {
  await page.goto('/');
  const { pathname } = new URL(page.url());
  await page.click(`button[value="${who}"]`);
  await page.waitForURL((url) => url.pathname !== pathname && !url.pathname.startsWith('/sign-in'));
}

export type PagesSite = Awaited<ReturnType<typeof pagesSite>>;
export type Case = (t: Test, site: PagesSite) => Promise<void>;
export type Cases = Readonly<Record<string, Case>>;
