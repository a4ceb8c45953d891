/** How a sidecar on real servers is told by /healthz, /readyz and /metrics: as a grant goes, as messages are refused, as IMAP is away. */
import path from 'node:path';
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { ask, type Scrape, scrape } from '../health/scrape.ts';
import { routeThrough, startProxy } from './imap-proxy.ts';
import { at, type Running, type Site, startSite } from './site.ts';
import { submissionAs } from './submission.ts';
import { does } from './wire.ts';

const LIMIT_MS = 60_000;
let site: Site;
let socket: string;

t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob', 'carol'],
    chroot: false,
    filter: true,
    extraSubmission: 'sent_copy = "none"',
    extraToml: '[health]\n[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1\n',
  });
  socket = path.join(site.lab.directory, 'run/health.sock');
  await site.register('alice', 'bob', 'carol');
});
t.teardown(() => site?.stop());

/** Scrapes until it is so. On a machine that is busy a question may be given up by either side: it is asked again. */
const until = (what: string, is: (values: Scrape['values']) => boolean) => {
  let last = '';
  return waitFor(
    what,
    LIMIT_MS,
    async () => {
      const scraped = await scrape(socket).catch((error: unknown) => {
        last = String(error);
      });
      if (scraped === undefined) return undefined;
      const { values, text } = scraped;
      last = text.replace(/^(#|nodejs|process).*\n/gm, '');
      return is(values) ? values : undefined;
    },
    () => last,
  );
};

t.test('a sidecar on real servers', async (t) => {
  const running = await site.run();
  await t.test('ready and healthy once it has spoken to the server', async (t) => {
    const answer = await waitFor('ready', LIMIT_MS, async () => {
      const one = await ask(socket, '/readyz');
      return one.status === 200 ? one : undefined;
    });
    t.match(JSON.parse(answer.body), {
      ready: true,
      checks: [
        { name: 'databases', ok: true },
        { name: 'imap', ok: true, told: 'the server answered', ageSeconds: Number },
        { name: 'submission filter', ok: true },
      ],
    });
    const alive = await ask(socket, '/healthz');
    t.equal(alive.status, 200);
    t.match(JSON.parse(alive.body), { healthy: true });
    t.match(alive.type, 'application/json');
  });
  await t.test('a grant', grants);
  await t.test('drift', drifts);
  await t.test('messages', messages);
  await t.test('nobody is named', nobodyNamed);
  await t.test('a revoke', revokes);
  await t.test('the server away, and back', (t) => serverAway(t, running));
  await running.end();
  await t.rejects(ask(socket, '/healthz'), 'nobody answers once it has ended');
});

async function grants(t: Test) {
  const before = await until('the mailbox was looked at', (values) => values.get('mandat_pending_mailboxes') === 0);
  const verified = before.get('mandat_commit_to_verified_seconds_count') ?? 0;
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
  const values = await until(
    'the grant',
    (now) =>
      now.get('mandat_delegations{state="in force"}') === 1 &&
      (now.get('mandat_commit_to_verified_seconds_count') ?? 0) > verified,
  );
  t.ok((values.get('mandat_commit_to_in_force_seconds_count') ?? 0) > 0);
  const each = (name: string) => (values.get(`${name}_sum`) ?? 0) / (values.get(`${name}_count`) ?? 0);
  t.ok(each('mandat_commit_to_in_force_seconds') <= each('mandat_commit_to_verified_seconds'));
  t.ok(each('mandat_commit_to_verified_seconds') < LIMIT_MS / 1000);
  t.ok((values.get('mandat_passes_total{outcome="verified",code="none"}') ?? 0) > 0);
  t.ok((values.get('mandat_server_changes_total{kind="set-entry"}') ?? 0) > 0);
  t.ok((values.get('mandat_session_cuts_total') ?? 0) > 0, 'the delegate looks anew');
  t.equal(values.get('mandat_mailboxes'), 1);
  t.equal(values.get('mandat_drift_found_total'), 0, 'a grant is no drift');
  t.equal(values.get('mandat_failing_mailboxes{code="config"}'), 0);
  t.equal(values.get('mandat_imap_up'), 1);
  t.equal(values.get('mandat_filter_up'), 1);
  t.ok((values.get('mandat_audit_head') ?? 0) > 0);
  await until('the first sweep', (now) => (now.get('mandat_sweep_completed_timestamp_seconds') ?? 0) > 1.6e9);
}

async function drifts(t: Test) {
  await does(site, 'alice', `SETACL INBOX ${at('bob')} lr`);
  await site.mandat('sync', at('alice'));
  const values = await until('the drift', (now) => now.get('mandat_drift_repaired_total') === 1);
  t.equal(values.get('mandat_drift_found_total'), 1);
}

async function messages(t: Test) {
  const bob = await submissionAs(site, 'bob');
  t.teardown(() => bob.close());
  /** Postfix itself looks at the envelope. */
  const send = (from: string) =>
    bob.sendMail(at('bob'), at('alice'), `From: <${from}>\r\nMessage-ID: <${from}>\r\n\r\nBonjour\r\n`);
  t.match(await send(at('bob')), { code: 250 });
  t.match(await send(at('carol')), { code: 550 }, 'not as somebody who has delegated nothing');
  const values = await until('both', (now) => now.get('mandat_messages_total{answer="refused"}') === 1);
  t.equal(values.get('mandat_messages_total{answer="passed"}'), 1);
  t.equal(values.get('mandat_messages_total{answer="put-off"}'), 0);
}

async function nobodyNamed(t: Test) {
  const { text, values } = await scrape(socket);
  for (const word of ['@', 'alice', 'bob', 'carol', 'lab.test']) t.notMatch(text, word, `no "${word}"`);
  t.ok(values.size < 1000, 'and no label grows with the table');
  for (const question of ['/healthz', '/readyz']) t.notMatch((await ask(socket, question)).body, /@|alice|bob/);
}

async function revokes(t: Test) {
  const cuts = (await scrape(socket)).values.get('mandat_session_cuts_total') ?? 0;
  await site.sql(`DELETE FROM delegation WHERE delegate = '${at('bob')}'`);
  const values = await until(
    'the revoke',
    (now) =>
      now.get('mandat_delegations{state="in force"}') === 0 && (now.get('mandat_session_cuts_total') ?? 0) > cuts,
  );
  t.equal(values.get('mandat_drift_found_total'), 1, 'a revoke is no drift');
}

/** Through a proxy, which goes away as a whole and comes back: the lab's server can't. */
async function serverAway(t: Test, running: Running) {
  await running.end();
  const pass = () => 'pass' as const;
  const proxy = await startProxy(site.lab.imap, pass);
  await routeThrough(site, proxy);
  await site.run();
  t.teardown(() => site.stopSidecars());
  await until('the server is there', (now) => now.get('mandat_imap_up') === 1);
  await proxy.close();
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('carol')}')`);
  const values = await until(
    'it is away',
    (now) =>
      now.get('mandat_imap_up') === 0 &&
      (now.get('mandat_retries_total') ?? 0) > 0 &&
      now.get('mandat_failing_mailboxes{code="retry"}') === 1,
  );
  t.ok((values.get('mandat_oldest_change_age_seconds') ?? 0) > 0);
  t.equal(values.get('mandat_ready'), 0);
  const answer = await ask(socket, '/readyz');
  t.equal(answer.status, 503);
  t.match(JSON.parse(answer.body), {
    ready: false,
    checks: [
      { name: 'databases', ok: true },
      { name: 'imap', ok: false },
    ],
  });
  t.equal((await ask(socket, '/healthz')).status, 200, 'it works on: there is nothing wrong with it');
  const back = await startProxy(site.lab.imap, pass, proxy.port);
  t.teardown(() => back.close());
  await until('it is back', (now) => now.get('mandat_delegations{state="in force"}') === 1);
  t.equal((await ask(socket, '/readyz')).status, 200);
}
