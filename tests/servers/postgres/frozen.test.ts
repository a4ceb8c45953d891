/**
 * The sidecar that works is stopped with a change of each kind on its way: an entry that is set, one that is deleted, a subscription, one that is taken
 * back, sessions that are cut, a transaction in PostgreSQL with the rules that every Postfix reads. The other takes over and does each; then the table
 * says the opposite, and that is done. Then all that was on its way arrives, and it wakes.
 */
import path from 'node:path';
import t from 'tap';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { openSenderMap } from '../../../bridge/store/published/sender-map.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { mandatAt } from '../../cli/warm.ts';
import { startPostgresProxy } from '../../store/postgres-proxy.ts';
import { startHoldingPort } from '../holding-port.ts';
import { type Fate, isChange, startProxy } from '../imap-proxy.ts';
import { last, postgresql } from '../on-postgresql.ts';
import { anotherPlace, startSidecarAt } from '../second-sidecar.ts';
import { at, startSite } from '../site.ts';
import { entriesOf, seen, withLogin, words } from '../wire.ts';

/** What is on its way: by whose mailbox, to whom, whether they are given it or it is taken from them, and how it is known. */
const KINDS = {
  SETACL: { owner: 'anna', delegate: 'bela', gives: true, is: /SETACL .*bela@/ },
  SUBSCRIBE: { owner: 'cleo', delegate: 'dina', gives: true, is: / SUBSCRIBE .*cleo@/ },
  DELETEACL: { owner: 'emma', delegate: 'fred', gives: false, is: /DELETEACL .*fred@/ },
  UNSUBSCRIBE: { owner: 'gina', delegate: 'hugo', gives: false, is: / UNSUBSCRIBE .*gina@/ },
  kick: { owner: 'iris', delegate: 'jack', gives: false, is: /"kick".*jack@/ },
  COMMIT: { owner: 'kara', delegate: 'liam', gives: false, is: /DELETE FROM mandat_sender.*kara@/s },
} as const;
type Kind = keyof typeof KINDS;
const kinds = Object.keys(KINDS) as Kind[];
/** What the trail has of each in the end; what came late is told as what it is (adopted). */
const TOLD = {
  grant: { SETACL: 1, SUBSCRIBE: 1, DELETEACL: 2, UNSUBSCRIBE: 2, kick: 2, COMMIT: 2 },
  revoke: { SETACL: 1, SUBSCRIBE: 1, DELETEACL: 1, UNSUBSCRIBE: 1, kick: 1, COMMIT: 1 },
  adopted: { SETACL: 1 },
} as const;

const LIMIT_MS = 150_000;

const some = (gives: boolean) => kinds.filter((kind) => KINDS[kind].gives === gives);

const users = kinds.flatMap((kind) => [KINDS[kind].owner, KINDS[kind].delegate]);
const site = await startSite({
  users,
  extraImap: 'connections = 16',
  extraToml: 'kind = ["postfix-sqlite", "postfix-pgsql"]\n[server]\ntakeover_seconds = 6\n[guard]\nenabled = false',
});

const held = new Map<Kind, () => void>();
/** Holds it back if it is the first of a kind, once they are looked for. */
let looking = false;
const release = () => {
  for (const go of held.values()) go();
};
function hold(kind: Kind): Promise<void> {
  return new Promise((resolve) => {
    held.set(kind, resolve);
  });
}
async function lookAt(text: string, ...among: readonly Kind[]): Promise<void> {
  const kind = among.find((one) => looking && !held.has(one) && KINDS[one].is.test(text));
  if (kind !== undefined) await hold(kind);
}

/** What the first one says to the servers that changes anything, from when it is to be looked at. */
const changes: string[] = [];
const imap = await startProxy(site.lab.imap, async (line): Promise<Fate> => {
  if (isChange(line)) changes.push(line);
  if (isChange(line)) await lookAt(line, 'SETACL', 'SUBSCRIBE', 'DELETEACL', 'UNSUBSCRIBE');
  return 'pass';
});
const doveadm = await startHoldingPort(Number(new URL(site.lab.doveadm.url).port), async (text) => {
  if (text.includes('"kick"')) changes.push('kick');
  await lookAt(text, 'kick');
});
const database = await startPostgresProxy(postgresql.port);
let committing: number | undefined;
database.decide = (sql, { bytes, connection }) => {
  if (looking && KINDS.COMMIT.is.test(sql + bytes.toString('latin1'))) committing = connection;
  if (committing !== connection || held.has('COMMIT') || !/^commit/i.test(sql)) return 'pass';
  return { after: hold('COMMIT') };
};

const files = {
  one: await anotherPlace(site, 'one', (toml) =>
    toml
      .replace(/(\[imap\]\nport = )\d+/, `$1${imap.port}`)
      .replace(/(@127\.0\.0\.1:)\d+/, `$1${database.port}`)
      .replace(/(url = "http:\/\/[^:]+:)\d+/, `$1${doveadm.port}`),
  ),
  two: await anotherPlace(site, 'two'),
};
const one = await startSidecarAt(files.one);
await one.said(/^watching$/);
const two = await startSidecarAt(files.two);
await two.said(/this one stands by/);
t.teardown(async () => {
  release();
  for (const sidecar of [one, two]) await sidecar.end('SIGKILL').catch(() => {});
  for (const port of [imap, doveadm, database]) await port.close();
  await site.stop();
});

const give = (those: readonly Kind[]) =>
  site.sql(
    those
      .map((kind) => {
        const { owner, delegate } = KINDS[kind];
        return `INSERT INTO delegation (mailbox, delegate) VALUES ('${at(owner)}', '${at(delegate)}');`;
      })
      .join(' '),
  );
const take = (those: readonly Kind[]) =>
  site.sql(
    those
      .map((kind) => {
        const { owner, delegate } = KINDS[kind];
        return `DELETE FROM delegation WHERE mailbox = '${at(owner)}' AND delegate = '${at(delegate)}';`;
      })
      .join(' '),
  );

const access = async (kind: Kind) => Object.keys(await seen(site, KINDS[kind].owner, KINDS[kind].delegate)).length > 0;
const onInbox = async (kind: Kind) =>
  (await entriesOf(site, KINDS[kind].owner, KINDS[kind].delegate)).INBOX !== undefined;
const subscribed = (kind: Kind) =>
  withLogin(site, KINDS[kind].delegate, async (session) => {
    const { lines } = await session.command('LIST (SUBSCRIBED) "" "shared/*"');
    return lines.map(words).filter((found) => found[4]?.includes(at(KINDS[kind].owner))).length > 0;
  });
/** Those who may send for whom, by the map beside a Postfix, or by the view. */
const inMap = (file: string, kind: Kind) => {
  const map = openSenderMap(dataFiles(path.dirname(file)).senderDirectory, { readonly: true });
  try {
    return map
      .all()
      .some(({ address, login }) => address === at(KINDS[kind].owner) && login === at(KINDS[kind].delegate));
  } finally {
    map.close();
  }
};
const inView = async () => {
  const rows = await postgresql.sql(last.database, 'SELECT address, login FROM mandat_sender.sender_login');
  return (kind: Kind) => rows.split('\n').includes(`${at(KINDS[kind].owner)}|${at(KINDS[kind].delegate)}`);
};

/** The first thing that isn't as it should be, of one who has it or one who hasn't. */
async function wrong(gives: boolean, but: readonly string[]): Promise<string | undefined> {
  const view = await inView();
  for (const kind of kinds) {
    const looks = {
      'in the view': () => view(kind),
      'in the map of the one': () => inMap(files.one, kind),
      'in the map of the other': () => inMap(files.two, kind),
      'on INBOX': () => onInbox(kind),
      access: () => access(kind),
      subscribed: () => subscribed(kind),
    };
    for (const [what, look] of Object.entries(looks))
      if (!but.includes(what) && (await look()) !== (KINDS[kind].gives === gives)) return `${kind}: ${what}`;
  }
  return undefined;
}
const right = async (what: string, gives: boolean, ...but: readonly string[]) => {
  let left: string | undefined;
  const looked = async () => {
    left = await wrong(gives, but);
    return left === undefined;
  };
  await waitFor(what, LIMIT_MS, looked, () => `${left}`);
};

t.before(async () => {
  for (const kind of kinds) await site.register(KINDS[kind].owner, KINDS[kind].delegate);
  await give(some(false));
  await right('those who have it have it', false);
  await site.settled();
});

t.test('stopped with a change of each kind on its way: the other does them all', async (t) => {
  looking = true;
  await give(some(true));
  const heldAre = (what: readonly Kind[]) =>
    waitFor(
      `held: ${what}`,
      LIMIT_MS,
      () => what.every((kind) => held.has(kind)),
      () => `${[...held.keys()]} ${changes.join('\n')}`,
    );
  await heldAre(['SETACL', 'SUBSCRIBE']);
  await take(['DELETEACL', 'UNSUBSCRIBE', 'kick']);
  await heldAre(['DELETEACL', 'UNSUBSCRIBE', 'kick']);
  await take(['COMMIT']);
  await heldAre(['COMMIT']);
  one.signal('SIGSTOP');
  looking = false;
  await two.said(/^taken over from/);
  await right('the other has done it', true, 'in the map of the one');
  t.pass();
});

t.test('the table says the opposite: the other does that', async (t) => {
  await take(some(true));
  await give(some(false));
  await right('the other has done it', false, 'in the map of the one');
  await site.settled();
  t.pass();
});

t.test(
  'all that was on its way arrives, and it wakes: it writes nothing more, and all is right in the end',
  async (t) => {
    release();
    const harmed = async () => (await access('SETACL')) && !(await onInbox('DELETEACL'));
    await waitFor('what was in an owner’s session has been done late', LIMIT_MS, harmed);
    t.ok(await subscribed('UNSUBSCRIBE'), "a delegate's session had ended with the cut at the revoke");
    t.notOk(await subscribed('SUBSCRIBE'));
    t.ok((await inView())('COMMIT'), 'what was rolled back does not come late');
    const sent = changes.length;
    one.signal('SIGCONT');
    await one.said(/another sidecar has taken over/);
    await one.said(/this one stands by$/, 2);
    t.same(changes.slice(sent), [], 'it has written nothing');
    await right('all is right', false);
    await site.settled();
    for (const [action, times] of Object.entries(TOLD)) {
      const who = Object.entries(times).map(([kind, n]) => `${at(KINDS[kind as Kind].delegate)}|${n}`);
      const rows = await postgresql.sql(
        last.database,
        `SELECT delegate, count(*) FROM mandat_private.audit WHERE action = '${action}' GROUP BY delegate ORDER BY delegate`,
      );
      t.same(rows.split('\n'), who, `${action} stands in the trail so many times`);
    }
    t.equal((await mandatAt(files.two, ['audit', 'verify'])).status, 0);
  },
);
