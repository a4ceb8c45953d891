/** Each operation of the API, tried as each kind of person: who is let through, and that nobody else has changed anything. R3, R33, R53 */
import Database from 'better-sqlite3';
import t from 'tap';
import { markOf } from '../../bridge/acting/held-waves.ts';
import { OPERATIONS } from '../../bridge/portal/api/operations.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { SERVICE_ACTIONS } from '../../config/schema/service-actions.ts';
import { type Answer, apiSite } from './api-site.ts';
import { ADMIN, DOCTOR, MAILBOX, OTHER_DOCTOR, OTHER_SECRETARY, READER, SECRETARY, STRANGER } from './people.ts';

const CONTACT = 'sam.private@example.org';
const KEY = 'a-key-of-a-webmail-0123456789-abcdefghijk';

/** By whose token, and for whom a service asks. */
const PEOPLE = {
  nobody: {},
  stranger: { by: STRANGER },
  owner: { by: DOCTOR },
  'another owner': { by: OTHER_DOCTOR },
  delegate: { by: SECRETARY },
  reader: { by: READER },
  admin: { by: ADMIN },
  'service for the owner': { headers: { authorization: `Bearer ${KEY}`, 'on-behalf-of': DOCTOR } },
  'service for the delegate': { headers: { authorization: `Bearer ${KEY}`, 'on-behalf-of': SECRETARY } },
} as const;
type Kind = keyof typeof PEOPLE;

const KNOWN: readonly Kind[] = [
  'owner',
  'another owner',
  'delegate',
  'reader',
  'admin',
  'service for the owner',
  'service for the delegate',
];
const OF_THE_OWNER: readonly Kind[] = ['owner', 'admin', 'service for the owner'];
const OF_THE_DELEGATE: readonly Kind[] = ['delegate', 'admin', 'service for the delegate'];
const looks = (kinds: readonly Kind[]): readonly Kind[] => [...kinds, 'reader'];

/** Who is let through. Reading and changing the account is the delegate's: `/accounts/SECRETARY`. */
const MAY: Readonly<Record<string, readonly Kind[]>> = {
  readMe: [...KNOWN, 'stranger'],
  listMailboxes: KNOWN, // to a delegate none: below
  listDelegations: KNOWN,
  listMailboxDelegations: looks(OF_THE_OWNER),
  grantDelegation: OF_THE_OWNER,
  readDelegation: looks(OF_THE_OWNER),
  revokeDelegation: OF_THE_OWNER,
  suspendDelegation: OF_THE_OWNER,
  resumeDelegation: OF_THE_OWNER,
  readProgress: looks(OF_THE_OWNER),
  searchPeople: KNOWN.filter((kind) => !kind.includes('delegate')),
  readResponsibility: KNOWN,
  readHistory: looks(OF_THE_OWNER),
  readMailboxContact: looks(OF_THE_OWNER),
  setMailboxContact: OF_THE_OWNER,
  readAccount: looks(OF_THE_DELEGATE),
  activateAccount: OF_THE_DELEGATE,
  setAccountContact: OF_THE_DELEGATE,
  confirmAccount: OF_THE_DELEGATE,
  cancelAccountRequest: OF_THE_DELEGATE,
  acceptTerms: OF_THE_DELEGATE,
  setOptOuts: OF_THE_DELEGATE,
  readStatus: ['admin', 'reader'],
  explain: looks(OF_THE_OWNER),
  readAudit: ['admin', 'reader'],
  listHeld: ['admin', 'reader'],
  letHeldGo: ['admin'],
};

const BODIES: Readonly<Record<string, object>> = {
  grantDelegation: { delegate: SECRETARY, note: 'again' },
  setMailboxContact: { address: 'else@example.org' },
  activateAccount: { contact: CONTACT, terms: '2', identityConfirmed: true },
  setAccountContact: { contact: CONTACT },
  confirmAccount: { code: '00000000' },
  acceptTerms: { version: '2' },
  setOptOuts: { surveys: true },
  letHeldGo: { seen: markOf([]) },
};
const QUERIES: Readonly<Record<string, string>> = {
  searchPeople: '?lastName=tang&city=quimper',
  readProgress: '?verb=grant&version=0',
};

t.test('who may ask for what', async (t) => {
  let now = Date.now();
  const site = await apiSite(t, {
    clock: () => (now += 1000), // nobody asks too often
    config: '[accounts]\nterms_version = "2"\n[notices]\n',
    portal: `[portal.services.webmail]\nkey_file = "webmail.key"\nactions = ${JSON.stringify(SERVICE_ACTIONS)}\n`,
    secrets: { 'webmail.key': KEY },
  });
  await site.mandat('grant', MAILBOX, SECRETARY);
  const ask = (id: string, kind: Kind, more = ''): Promise<Answer> => {
    const one = OPERATIONS.find((operation) => operation.id === id);
    const path = one?.path.replace('{mailbox}', MAILBOX).replace('{delegate}', SECRETARY) ?? '';
    const query =
      QUERIES[id] ?? (id === 'listDelegations' && /admin|reader/.test(kind) ? `?delegate=${SECRETARY}` : '');
    const body = BODIES[id];
    const extra = more === '' ? '' : `${query === '' ? '?' : '&'}${more}`;
    const question = { ...PEOPLE[kind], ...(body === undefined ? {} : { body }) };
    return site.ask(one?.method.toUpperCase() ?? '', `${path}${query}${extra}`, question);
  };
  const ids = OPERATIONS.map(({ id }) => id);
  t.strictSame(Object.keys(MAY).sort(), [...ids].sort(), 'each operation has its row');

  const before = contents(site.config.dataDir);
  for (const id of ids)
    for (const kind of Object.keys(PEOPLE) as Kind[]) {
      if (MAY[id]?.includes(kind)) continue;
      const { status, json } = await ask(id, kind);
      const codes = kind === 'nobody' ? ['MANDAT_TOKEN'] : ['MANDAT_ACTOR', 'SERVICE_ACTION'];
      const said = { status, known: codes.includes(json?.code) };
      t.match(said, { status: kind === 'nobody' ? 401 : 403, known: true }, `${id} by ${kind}: ${json?.code}`);
    }
  for (const one of OPERATIONS.filter(({ method }) => method !== 'get'))
    for (const as of ['owner', 'delegate', 'admin']) {
      const { status } = await ask(one.id, 'reader', `as=${as}`);
      t.equal(status, 403, `${one.id} by a reader, as ${as}`);
    }
  t.strictSame(
    contents(site.config.dataDir),
    before,
    'nobody has changed anything, in the table or in what is mandat’s own',
  );
  for (const kind of ['delegate', 'service for the delegate'] as const)
    t.strictSame((await ask('listMailboxes', kind)).json.items, [], `${kind} sees no mailbox of an owner`);
  for (const id of ids)
    for (const kind of MAY[id] ?? []) {
      const { status, json } = await ask(id, kind);
      t.notOk([401, 403, 429].includes(status) || status >= 500, `${id} by ${kind}: ${status} ${json?.code ?? ''}`);
    }

  // The delegate's contact address, which they have given meanwhile: nobody's but theirs and the administrators'.
  await site.mandat('delegate', 'add', OTHER_SECRETARY);
  await ask('grantDelegation', 'owner');
  await ask('activateAccount', 'delegate');
  t.match((await ask('readAccount', 'delegate')).json.waiting, { contact: CONTACT });
  const others = { ...PEOPLE, 'another delegate': { by: OTHER_SECRETARY } };
  for (const one of OPERATIONS.filter(({ method }) => method === 'get'))
    for (const kind of ['owner', 'another delegate'] as const) {
      const place = one.path.replace('{mailbox}', MAILBOX).replace('{delegate}', SECRETARY);
      const { text } = await site.ask('GET', `${place}${QUERIES[one.id] ?? ''}`, others[kind]);
      t.notMatch(text, CONTACT, `${one.id} by ${kind}`);
    }
  for (const who of [DOCTOR, OTHER_SECRETARY]) {
    const browser = await site.signInAs(who);
    for (const below of [
      '/',
      '/account',
      `/mailboxes/${MAILBOX}`,
      `/mailboxes/${MAILBOX}/history`,
      `/mailboxes/${MAILBOX}/contact`,
    ])
      t.notMatch((await browser.get(below)).body, CONTACT, `${below} by ${who}`);
  }
});

/** Every row of the table and the state, but for the list of what was tried, and for what the portal counts. */
function contents(dataDir: string): Readonly<Record<string, unknown>> {
  const { delegations, state } = dataFiles(dataDir);
  const rows = [delegations, state].flatMap((file) => {
    const database = new Database(file, { readonly: true });
    const names = database
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .pluck()
      .all()
      .filter((name) => name !== 'events');
    const counted = (row: unknown) => (row as { name?: unknown }).name === 'portal';
    const rowsOf = (name: string) => database.prepare(`SELECT * FROM "${name}"`).all();
    const all = names.map((name) => [name, rowsOf(name).filter((row) => name !== 'facts' || !counted(row))] as const);
    database.close();
    return all;
  });
  return Object.fromEntries(rows);
}
