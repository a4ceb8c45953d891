/**
 * The pages over databases of their own, without any mail server: what is asked for waits. Whoever opens it is who the cookie `who` says;
 * how people really sign in is another test's (tests/portal).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { serve } from '@hono/node-server';
import Database from 'better-sqlite3';
import { Hono } from 'hono';
import { getCookie } from 'hono/cookie';
import pino from 'pino';
import type { Test } from 'tap';
import { actingAs, openSite, type Site } from '../../../bridge/acting/site.ts';
import { importExtract } from '../../../bridge/directory/import.ts';
import { mountAssets } from '../../../bridge/portal/assets/serve.ts';
import type { PortalEnv, Roles, SignedIn } from '../../../bridge/portal/context.ts';
import { speaking } from '../../../bridge/portal/language.ts';
import { mountAutoconfig } from '../../../bridge/portal/pages/delegate/mail-client.ts';
import { mountPages } from '../../../bridge/portal/pages/routes.ts';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { addMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { loadConfig } from '../../../config/load.ts';
import { desk } from '../../cli/desk.ts';
import { extractOf, type Line, PHYSICIAN, ROLE_HOLDER, SECRETARY } from '../../directory/extract-maker.ts';
import type { Browser } from './browser.ts';

const CONFIG = `data_dir = "data"
[identity]
unknown_credential = "valid"
[imap]
port = 1
tls = "none"
timeout_seconds = 1
[accounts]
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

/** With the key that belongs to it. domain.md 1.2 */
export function rpps(ten: string): string {
  const sum = [...`${ten}0`].reverse().reduce((all, digit, place) => {
    const twice = Number(digit) * (place % 2 === 1 ? 2 : 1);
    return all + (twice > 9 ? twice - 9 : twice);
  }, 0);
  return `8${ten}${(10 - (sum % 10)) % 10}`;
}

export const HELENE = rpps('1000000101');
export const PAUL = rpps('1000000102');
export const MARTINE = rpps('1000000103');
export const FRANCK = rpps('1000000104');
export const ADMIN = 'dsi.admin';
export const READER = 'dsi.reader';
/** Delegates of whom there are many; the first of them have names that a page could stumble over. */
export const CROWD = Array.from({ length: 60 }, (_, n) => rpps(`10000002${String(n).padStart(2, '0')}`));
export const MARKUP = '<b>Zoé</b>';
export const TURNED = 'Ana\u202ekcits';

export const PEOPLE: readonly Line[] = [
  {
    identifier: HELENE,
    lastName: 'MARTIN',
    firstName: 'HÉLÈNE',
    profession: PHYSICIAN,
    postalCode: '29200',
    city: 'BREST',
  },
  {
    identifier: PAUL,
    lastName: 'LE GALL',
    firstName: 'PAUL',
    profession: PHYSICIAN,
    postalCode: '29000',
    city: 'QUIMPER',
  },
  {
    identifier: MARTINE,
    lastName: 'BIARREY',
    firstName: 'MARTINE',
    profession: ROLE_HOLDER,
    role: SECRETARY,
    postalCode: '29200',
    city: 'BREST',
  },
  {
    identifier: FRANCK,
    lastName: 'KERVELLA',
    firstName: 'FRANCK',
    profession: ROLE_HOLDER,
    role: SECRETARY,
    postalCode: '29200',
    city: 'BREST',
  },
  ...CROWD.map((identifier, n) => ({
    identifier,
    lastName: 'DURAND',
    firstName: [MARKUP, TURNED][n] ?? `CAMILLE ${n}`,
    profession: PHYSICIAN,
    postalCode: '29200',
    city: 'BREST',
  })),
];

const ROLES: Readonly<Record<string, Roles>> = {
  [HELENE]: { owner: true, delegate: false, admin: 'none' },
  [PAUL]: { owner: true, delegate: false, admin: 'none' },
  [MARTINE]: { owner: false, delegate: true, admin: 'none' },
  [FRANCK]: { owner: false, delegate: true, admin: 'none' },
  [ADMIN]: { owner: false, delegate: false, admin: 'acts' },
  [READER]: { owner: false, delegate: false, admin: 'reads' },
};
const NAMES: Readonly<Record<string, string>> = {
  [HELENE]: 'Hélène Martin',
  [PAUL]: 'Paul Le Gall',
  [MARTINE]: 'Martine Biarrey',
};

export async function pagesSite(t: Test, browser: () => Browser) {
  const here = await desk(t, { config: CONFIG });
  const data = dataFiles(path.join(here.directory, 'data')).privateDirectory;
  const file = path.join(here.directory, 'extract.txt');
  writeFileSync(file, extractOf(PEOPLE));
  await importExtract(data, file, { known: [], maxShrinkPercent: 5, now: new Date().toISOString() });
  mkdirSync(path.join(here.directory, 'run'), { recursive: true });
  const site = openSite(loadConfig({ path: here.configFile, env: {}, cwd: here.directory }));
  const admin = actingAs(site, { kind: 'admin', name: 'setup' });
  const mailbox = (address: string, owner: string, eligible = true) =>
    admin.writing(address, (db) => addMailbox(db, admin.writer, address, { owner, eligible }));
  await mailbox('helene.martin@example.org', HELENE);
  await mailbox('paul.legall@example.org', PAUL);
  await mailbox('ferme@example.org', PAUL, false);

  const { url, as } = await servedPages(t, browser, site, (who) => ({ roles: rolesOf(who), name: NAMES[who] ?? null }));
  const lastCode = () => {
    const state = new Database(dataFiles(path.join(here.directory, 'data')).state, { readonly: true });
    const code = state
      .prepare("SELECT json_extract(data, '$.code') FROM outbox WHERE kind = 'code' ORDER BY id DESC")
      .pluck()
      .get();
    state.close();
    return String(code);
  };
  return { ...here, site, admin, url, as, lastCode };
}

export type PagesSite = Awaited<ReturnType<typeof pagesSite>>;

const rolesOf = (who: string): Roles => ROLES[who] ?? { owner: false, delegate: CROWD.includes(who), admin: 'none' };

/** The pages of any site, for whomever `known` knows. */
export async function servedPages(
  t: Test,
  browser: () => Browser,
  site: Site,
  known: (who: string) => Pick<SignedIn, 'roles' | 'name'>,
) {
  const app = new Hono<PortalEnv>();
  mountAssets(app);
  mountAutoconfig(app, site.config);
  app.use(speaking(false), async (c, next) => {
    const identifier = getCookie(c, 'who') ?? '';
    const person = { identifier, session: 'test', ...known(identifier) };
    c.set('person', person);
    c.set('csrf', 'token');
    const forOwner = person.roles.admin === 'acts' ? `admin:${identifier} ` : '';
    c.set('acting', (actor) => actingAs(site, actor, `${actor.kind === 'owner' ? forOwner : ''}portal:test`));
    await next();
  });
  mountPages(app, { log: pino({ level: 'silent' }) });
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await new Promise((listening) => server.once('listening', listening));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const url = `http://127.0.0.1:${port}`;

  /** Somebody's own browser window. */
  const as = async (who: string, options: Parameters<Browser['context']>[0] = {}) => {
    const context = await browser().context({ locale: 'fr-FR', baseURL: url, timezoneId: 'UTC', ...options });
    await context.addCookies([{ name: 'who', value: who, url }]);
    return Object.assign(await context.newPage(), { asked: context.asked });
  };
  return { url, as };
}
