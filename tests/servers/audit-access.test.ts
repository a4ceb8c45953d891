/** The trail of one grant and one revoke on real servers: what was done there, for whom, in order; and who had access in between. R3. */
import t from 'tap';
import { must } from '../cli/desk.ts';
import { at, type Site, startSite } from './site.ts';

const BOB = '810101026994';
const ALICE = '810000000017';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob'], scheme: 'rpps', extraToml: '[audit]\nretention_days = 0' });
  await site.sql(
    `INSERT INTO mailbox (address, owner) VALUES ('${at('alice')}', '${ALICE}');
     INSERT INTO alias VALUES ('${at('dr')}', '${at('alice')}');
     INSERT INTO delegate (id, login, first_name, last_name) VALUES ('${BOB}', '${at('bob')}', 'Bob', 'Martin')`,
  );
});
t.teardown(() => site?.stop());

interface Entry {
  readonly at: string;
  readonly action: string;
  readonly actor: string;
  readonly delegate: string | null;
  readonly detail: string | null;
  readonly on_behalf: string | null;
}
const MARIE = ['--as', 'admin:marie'];
const json = async (...args: string[]) => JSON.parse((await site.mandat('--json', ...args)).stdout);
const access = async (...args: string[]) => (await json(...args)).access;
let between = '';

t.test('each act and each outcome, by the delegate’s identifier, on the owner’s behalf', async (t) => {
  const sidecar = await site.run();
  await must(site.mandat(...MARIE, 'grant', at('alice'), BOB));
  t.match(await access('who', at('alice')), [
    { delegate: BOB, delegated: /^20/, access: /^20/, sends: [at('alice'), at('dr')], why: null },
  ]);
  t.match(await access('what', BOB), [{ mailbox: at('alice'), access: /^20/ }]);
  between = new Date().toISOString();
  await must(site.mandat(...MARIE, 'revoke', at('alice'), BOB, '--yes'));
  t.same(await access('who', at('alice')), []);
  await site.settled();
  t.equal(await sidecar.end(), 0);

  const trail = ((await json('history', at('alice'))) as Entry[]).filter(
    ({ action, delegate }) => !/^(mailbox|alias)/.test(action) && delegate !== null, // the owner's own sender rules
  );
  t.same(
    trail.map(({ action }) => action).sort(),
    [
      ...['grant', 'set-entry', 'publish', 'in-force', 'set-entry', 'subscribe', 'cut', 'verified'],
      ...['revoke', 'withdraw', 'delete-entry', 'cut', 'withdrawn', 'unsubscribe', 'ended'],
    ].sort(),
    'exactly these',
  );
  const place = (action: string) => trail.findIndex((one) => one.action === action);
  t.ok(place('withdraw') < place('delete-entry'), 'no sending before no access');
  t.ok(place('delete-entry') < place('withdrawn') && place('withdrawn') < place('ended'));
  for (const { action, delegate, on_behalf, actor } of trail) {
    t.equal(delegate, BOB, `${action}: whom it concerns`);
    t.equal(on_behalf, `owner:${ALICE}`, `${action}: for whom`);
    t.equal(actor, /^(grant|revoke)$/.test(action) ? 'admin:marie' : 'mandat', `${action}: who`);
  }
  const detail = (action: string) => JSON.parse(trail.find((one) => one.action === action)?.detail ?? '{}');
  t.same(detail('publish'), { login: at('bob'), addresses: [at('alice'), at('dr')] });
  t.match(detail('set-entry'), { login: at('bob'), rights: 'lrswipkxte', folders: ['INBOX'] });

  const told = sidecar.log().flatMap(({ head }) => (typeof head === 'string' ? [head] : []));
  t.match(
    await site.mandat('audit', 'verify', '--head', told.at(-1) ?? ''),
    { status: 0 },
    'the end that the log tells',
  );
  const forged = told.at(-1)?.replace(/:.*/, `:${'0'.repeat(64)}`) ?? '';
  t.match(await site.mandat('audit', 'verify', '--head', forged), { status: 1, stdout: /--head names/ });
});

t.test('who had access then', async (t) => {
  t.match(await access('who', at('alice'), '--at', between), [
    { delegate: BOB, access: /^20/, sends: [at('alice'), at('dr')] },
  ]);
  t.match(await access('what', BOB, '--at', between), [{ mailbox: at('alice') }]);
  t.same(await access('who', at('alice'), '--at', new Date().toISOString()), []);
  t.match(await site.mandat('who', at('alice'), '--at', '2001-01-01'), { status: 4, stderr: /doesn't reach back/ });
  t.match(await site.mandat('who', at('nobody')), { status: 4, stderr: /no such mailbox/ });
});

t.test('an owner asks of their own, a delegate of themselves; what is refused is in the trail', async (t) => {
  const as = (actor: string, ...args: string[]) => site.mandat('--as', actor, ...args);
  t.equal((await as(`owner:${ALICE}`, 'who', at('alice'))).status, 0);
  t.equal((await as(`owner:${ALICE}`, 'history', at('alice'))).status, 0);
  t.equal((await as(`owner:${BOB}`, 'who', at('alice'))).status, 3);
  t.equal((await as(`delegate:${BOB}`, 'what', BOB)).status, 0);
  t.equal((await as(`delegate:${BOB}`, 'what', ALICE)).status, 3);
  const refused = ((await json('audit', '--limit', '2')) as Entry[]).map(({ action, actor, detail }) => [
    action,
    actor,
    JSON.parse(detail ?? '{}').command,
  ]);
  t.same(refused, [
    ['refused', `owner:${BOB}`, 'who'],
    ['refused', `delegate:${BOB}`, 'what'],
  ]);
});

t.test('export, as lines and as a table; the export itself is recorded', async (t) => {
  const { stdout } = await must(site.mandat('audit', 'export', '--since', between));
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry & { seal: string });
  t.ok(lines.length > 0 && lines.every((one) => one.at >= between && /^[0-9a-f]{64}$/.test(one.seal)));
  // By time: events of the table are sealed a moment after what the sidecar has done because of them.
  t.equal([...lines].sort((one, other) => (one.at < other.at ? -1 : 1))[0]?.action, 'revoke');
  const csv = (await must(site.mandat('audit', 'export', '--format', 'csv', '--until', between))).stdout.split('\n');
  t.equal(csv[0], 'id,at,actor,on_behalf,via,action,mailbox,delegate,reason,detail,seal,claimed');
  t.notMatch(csv.join('\n'), /,revoke,/);
  const exported = ((await json('audit', '--limit', '2')) as Entry[]).map(({ action, detail }) => [
    action,
    JSON.parse(detail ?? '{}').format,
  ]);
  t.same(exported, [
    ['audit-export', 'jsonl'],
    ['audit-export', 'csv'],
  ]);
});

/** No message content, no subject, no contact address: every action with the names of its details. */
const DETAILS: Readonly<Record<string, readonly string[]>> = {
  'mailbox-add': ['login', 'kind', 'eligible'],
  'alias-add': ['alias'],
  'delegate-add': ['login', 'state', 'credential_valid_until'],
  grant: ['by', 'starts_at', 'ends_at', 'acknowledged'],
  revoke: [],
  'set-entry': ['login', 'rights', 'count', 'folders'],
  'delete-entry': ['login', 'count', 'folders'],
  publish: ['login', 'addresses'],
  withdraw: ['login', 'addresses'],
  cut: ['login'],
  subscribe: ['login', 'count'],
  unsubscribe: ['login', 'count'],
  'in-force': ['login'],
  verified: ['login'],
  withdrawn: ['login'],
  ended: ['login'],
};

t.test('nothing in it but what it is made of', async (t) => {
  const { stdout } = await must(site.mandat('audit', 'export'));
  const seen: Record<string, readonly string[]> = {};
  for (const line of stdout.trimEnd().split('\n')) {
    const { action, detail } = JSON.parse(line) as Entry;
    seen[action] = Object.keys(JSON.parse(detail ?? '{}'));
  }
  t.same(seen, DETAILS);
});

t.test('a revoke that was interrupted: its end is in the trail all the same, once', async (t) => {
  const moves = async () =>
    ((await json('history', at('alice'))) as Entry[])
      .map(({ action }) => action)
      .filter((action) => ['in-force', 'withdrawn', 'ended'].includes(action));
  const before = (await moves()).length;
  await must(site.mandat('grant', at('alice'), BOB));
  const during = new Date().toISOString();
  await site.lab.stopDovecot();
  t.not((await site.mandat('revoke', at('alice'), BOB, '--yes')).status, 0, 'the server is away');
  await site.lab.startDovecot();
  await must(site.mandat('sync'));
  t.same((await moves()).slice(before), ['in-force', 'withdrawn', 'ended']);
  t.match(await access('who', at('alice'), '--at', during), [{ delegate: BOB }]);
});
