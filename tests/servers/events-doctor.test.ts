/** Events in `mandat doctor`, `mandat status` and /metrics: what is said of them has been seen. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { readFragment } from '../../config/lab/fragment.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { dovecotConf, rewritten } from '../doctor/breakage.ts';
import { ask } from '../health/scrape.ts';
import { eventsTaken } from './events-taken.ts';
import { grantRow } from './rows.ts';
import { startSite } from './site.ts';

const version = dovecotVersion();
const password = 'of-the-events';
const reservation = await reservePorts(1);
const [port = 0] = reservation.ports;
t.teardown(() => reservation.release());
const key = version === '2.3' ? 'transport_args' : 'http_post_url';
const site = await startSite({
  users: ['alice', 'bob'],
  postfix: false,
  senderRules: false,
  extraDovecot: `${await readFragment(`dovecot/${version}/events.conf`, {})}
event_exporter mandat {
  ${key} = http://mandat:${password}@127.0.0.1:${port}/events
}
`,
  extraToml: `[events]\nlisten = "127.0.0.1:${port}"\n[health]\n[schedule]\nsweep_interval_minutes = 1440\nfolder_look_seconds = 0\n`,
});
t.teardown(() => site.stop());
const secret = path.join(site.lab.directory, 'events.secret');
await writeFile(secret, `${password}\n`, { mode: 0o600 });
await site.register('alice', 'bob');
await grantRow(site, 'alice', 'bob');

/** What the checks of events say, by their names. */
async function doctor(): Promise<Record<string, string>> {
  const { stdout } = await site.mandat('--json', 'doctor', '--dovecot-config', dovecotConf(site));
  const checks = JSON.parse(stdout) as readonly Record<'check' | 'status' | 'seen', string>[];
  return Object.fromEntries(
    checks.flatMap(({ check, status, seen }) => (/event/.test(check) ? [[check, `${status}: ${seen}`]] : [])),
  );
}

t.test('before a sidecar runs, the doctor listens itself', async (t) => {
  t.match(await doctor(), {
    'events password': /^ok: .*events\.secret/,
    'taking of events': /^skipped: nobody listens at .* no sidecar/,
    'sending of events': /^ok: Dovecot sends what changes folders and entries to 127\.0\.0\.1:\d+ \(doveconf -c/,
    'arrival of events': /^skipped/,
    'events before a sidecar runs': /^ok: a command in the mailbox of alice@lab\.test was told of at once/,
  });
});

t.test('with a sidecar, what arrives there is seen', async (t) => {
  const running = await site.run();
  t.teardown(() => running.end());
  await eventsTaken(running);
  const before = (await site.mandat('status')).stdout;
  t.match(before, /^events +(none has come yet|the last at)/m);
  t.match(await doctor(), {
    'taking of events': /^ok: 127\.0\.0\.1:\d+, by the password/,
    'sending of events': /^ok/,
    'arrival of events': /^ok: a command in the mailbox of alice@lab\.test was told of at once/,
    'events before a sidecar runs': /^skipped: one runs/,
  });
  t.match((await site.mandat('status')).stdout, /^events +the last at 20\S+, [1-9]\d* since the start/m);
  const { events } = JSON.parse((await site.mandat('--json', 'status')).stdout);
  t.match(events, { listening: true, seen: { malformed: 0, unauthorised: 0, dropped: 0 } });
  t.equal((await site.mandat('sync', '--dry-run')).stdout.includes('mandat-doctor'), false, 'nothing was made');

  await t.test('and shown to a monitoring system', async (t) => {
    const text = await waitFor('it is counted', 30_000, async () => {
      const said = (await ask(path.join(site.lab.directory, 'run/health.sock'), '/metrics')).body;
      return /^mandat_events_total\{outcome="taken"\} [1-9]/m.test(said) ? said : undefined;
    });
    t.match(text, /^mandat_events_up 1$/m);
    t.match(text, /^mandat_events_total\{outcome="unauthorised"\} 0$/m);
    t.match(text, /^mandat_event_seen_timestamp_seconds 1\d{9}/m);
    t.match(text, /^mandat_event_looks_total \d/m);
    t.match(text, /^mandat_event_hints_dropped_total 0$/m);
    t.match(text, /^mandat_sweep_interval_seconds 86400$/m);
  });

  for (const [what, change, seen] of [
    [
      'another password',
      (text: string) => text.replaceAll(`:${password}@`, ':other@'),
      /^fail: .*another name or password/,
    ],
    [
      'another port',
      (text: string) => text.replaceAll(`:${port}/events`, ':1/events'),
      /^fail: Dovecot sends nothing to/,
    ],
    [
      'a command left out',
      (text: string) => text.replace(' OR cmd_name=DELETEACL', ''),
      /^fail: .*does not tell of DELETEACL/,
    ],
    [
      'nothing of doveadm',
      (text: string) => text.replace('mail_user_session_finished', 'mail_user_session_started'),
      /^warn: .*"doveadm acl"/,
    ],
  ] as const) {
    await t.test(`Dovecot's configuration has ${what}`, async (t) => {
      const mend = await rewritten(dovecotConf(site), change);
      t.teardown(mend);
      t.match(await doctor(), { 'sending of events': seen });
    });
  }

  await t.test('a password that is changed in the file alone', async (t) => {
    await writeFile(secret, 'changed\n', { mode: 0o600 });
    await waitFor(
      'the sidecar has read it',
      20_000,
      async () => /^ok/.test((await doctor())['taking of events'] ?? '') || undefined,
    );
    t.match(await doctor(), { 'sending of events': /^fail/, 'arrival of events': /^fail: .*told of to nobody/ });
    t.match((await site.mandat('status')).stdout, /^events .*refused without the password/m);
  });
});
