/** A flood of events: forged, malformed and huge ones by the thousand. A revoke beside it is compared with one without. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { reservePorts } from '../../config/lab/ports.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { eventsTaken } from './events-taken.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, startSite } from './site.ts';

const password = 'of-the-events';
const reservation = await reservePorts(1);
const [port = 0] = reservation.ports;
t.teardown(() => reservation.release());
const site = await startSite({
  users: ['alice', 'bob'],
  postfix: false,
  senderRules: false,
  extraToml: `[events]\nlisten = "127.0.0.1:${port}"\n[schedule]\nsweep_interval_minutes = 1440\nfolder_look_seconds = 0\n`,
});
t.teardown(() => site.stop());
await writeFile(path.join(site.lab.directory, 'events.secret'), `${password}\n`, { mode: 0o600 });
await site.register('alice', 'bob');

/** In a thread of its own, so that it doesn't keep the clock of the test. */
const FLOOD = `
const http = require('node:http'); const { parentPort, workerData: { port, auth } } = require('node:worker_threads');
const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
let n = 0;
const forged = (n) => JSON.stringify({ event: 'imap_command_finished', end_time: '2026-11-29T03:00:00Z',
  fields: { user: n % 2 ? 'alice@lab.test' : 'u' + n + '@x', cmd_name: 'CREATE', mailbox: 'f' + n, tagged_reply_state: 'OK' } });
const huge = 'x'.repeat(300000);
const next = () => {
  n++;
  const body = n % 10 === 0 ? '{"event":' : n % 200 === 1 ? huge : forged(n);
  const request = http.request({ port, host: '127.0.0.1', path: '/events', method: 'POST', agent, auth }, (answer) => answer.resume().on('end', next));
  request.on('error', next); request.end(body);
};
for (let i = 0; i < 16; i++) next();
setInterval(() => parentPort.postMessage(n), 50);
`;

t.test('a revoke beside it comes at its time', async (t) => {
  const running = await site.run();
  t.teardown(() => running.end());
  await eventsTaken(running);
  const alice = await site.login('alice');
  const holds = async () => (await alice.command('GETACL INBOX')).lines.join().includes(at('bob'));
  const fastest = async (): Promise<number> => {
    const took: number[] = [];
    for (let n = 0; n < 4; n++) {
      await grantRow(site, 'alice', 'bob');
      await site.settled();
      const began = performance.now();
      await revokeRow(site, 'alice', 'bob');
      await waitFor('the entry is gone', 20_000, async () => !(await holds()) || undefined);
      took.push(performance.now() - began);
      await site.settled();
    }
    return Math.min(...took);
  };
  const without = await fastest();
  let sent = 0;
  const flood = new Worker(FLOOD, { eval: true, workerData: { port, auth: `mandat:${password}` }, execArgv: [] });
  t.teardown(() => flood.terminate());
  flood.on('message', (count: number) => {
    sent = count;
  });
  await waitFor('it floods', 20_000, () => sent > 1000 || undefined);
  const before = sent;
  const beside = await fastest();
  const during = sent - before;
  t.comment(`${Math.round(without)} ms without, ${Math.round(beside)} ms beside ${during} events`);
  t.ok(during > 2000, `${during} events meanwhile`);
  t.ok(beside < 20 * without, `${Math.round(beside)} ms beside a flood, ${Math.round(without)} ms without`);
});
