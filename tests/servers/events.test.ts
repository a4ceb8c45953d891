/** Dovecot's events: what anybody changes is heard of and looked at, sweeps and looks being far away; what is no event harms nobody. */
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import t from 'tap';
import { runTool } from '../../bridge/shared/run-tool.ts';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { readFragment } from '../../config/lab/fragment.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { waitFor as waitWithin } from '../../config/lab/wait.ts';
import { eventsTaken } from './events-taken.ts';
import { forgetRepairs, grantRow } from './rows.ts';
import { at, startSite } from './site.ts';

const LIMIT_MS = 60_000;
const waitFor = (ask: () => boolean | Promise<boolean>, what: string) =>
  waitWithin(what, LIMIT_MS, async () => ((await ask()) ? true : undefined));

const version = dovecotVersion();
const password = 'of-the-events';
const reservation = await reservePorts(1);
const [port = 0] = reservation.ports;
t.teardown(() => reservation.release());

const key = version === '2.3' ? 'transport_args' : 'http_post_url';
const exporter = `${await readFragment(`dovecot/${version}/events.conf`, {})}
event_exporter mandat {
  ${key} = http://mandat:${password}@127.0.0.1:${port}/events
}
`;
const site = await startSite({
  users: ['alice', 'bob', 'carol', 'dave'],
  postfix: false,
  senderRules: false,
  extraDovecot: exporter,
  extraToml: `[events]\nlisten = "127.0.0.1:${port}"\n[schedule]\nsweep_interval_minutes = 1440\nfolder_look_seconds = 0\n`,
});
t.teardown(() => site.stop());
await writeFile(path.join(site.lab.directory, 'events.secret'), `${password}\n`, { mode: 0o600 });
await site.register('alice', 'bob');
await site.register('carol', 'bob');
await site.register('dave', 'bob');
await grantRow(site, 'alice', 'bob');
await grantRow(site, 'carol', 'bob');
await grantRow(site, 'dave', 'bob');
const running = await site.run();
t.teardown(() => running.end());
await site.settled();
await eventsTaken(running);
const alice = await site.login('alice');
const bob = await site.login('bob');

const subscribed = async () => (await bob.command('LSUB "" "*"')).lines.join('\n');
const entries = async (folder: string) => (await alice.command(`GETACL ${folder}`)).lines.join('\n');
const passes = () => running.log().filter(({ msg }) => msg === 'verified').length;

t.test('a folder that is made is subscribed for the delegate', async (t) => {
  await alice.command('CREATE Dossiers');
  await waitFor(async () => (await subscribed()).includes(`shared/${at('alice')}/Dossiers`), 'bob is subscribed');
  await bob.command(`CREATE shared/${at('alice')}/Dossiers/Suite`);
  await waitFor(async () => (await subscribed()).includes('/Dossiers/Suite'), 'also to what a delegate has made');
  t.pass();
});

t.test('an entry that is taken away, narrowed or widened by hand is put right', async (t) => {
  const whole = await entries('INBOX');
  t.match(whole, at('bob'));
  for (const line of [
    `DELETEACL INBOX ${at('bob')}`,
    `SETACL INBOX ${at('bob')} lr`,
    `SETACL INBOX ${at('bob')} lrswipkxtea`,
    `SETACL "INBOX" {${at('bob').length}+}\r\n${at('bob')} l`,
  ]) {
    forgetRepairs(site);
    await alice.command(line);
    await waitFor(async () => (await entries('INBOX')) === whole, `right after ${line}`);
  }
  await alice.command(`SETACL Dossiers ${at('bob')} l`);
  await waitFor(async () => !/bob@lab.test l(\s|$)/.test(await entries('Dossiers')), 'in another folder too');
});

t.test('our own entries are no news: looks end', async (t) => {
  forgetRepairs(site);
  const before = passes();
  await alice.command(`SETACL INBOX ${at('bob')} lr`);
  await waitFor(() => passes() > before, 'it was looked at');
  await alice.command('CREATE Last');
  await waitFor(async () => (await subscribed()).includes('/Last'), 'and works on');
  t.ok(passes() - before <= 6, `${passes() - before} passes for two changes`);
});

t.test('what is done by doveadm is heard of as well', async (t) => {
  const whole = await entries('INBOX');
  const doveadm = async (...words: readonly string[]) => {
    const conf = path.join(site.lab.directory, 'dovecot/dovecot.conf');
    const ran = await runTool('doveadm', ['-c', conf, ...words]);
    t.equal(ran.status, 0, ran.complaint);
  };
  forgetRepairs(site);
  await doveadm('acl', 'set', '-u', at('alice'), 'INBOX', `user=${at('bob')}`, 'lookup', 'read');
  t.not(await entries('INBOX'), undefined);
  await waitFor(async () => (await entries('INBOX')) === whole, 'an entry that was narrowed');
  await doveadm('acl', 'delete', '-u', at('alice'), 'INBOX', `user=${at('bob')}`);
  await waitFor(async () => (await entries('INBOX')) === whole, 'one that was taken away');
  await doveadm('mailbox', 'create', '-u', at('alice'), 'Doveadm');
  await waitFor(async () => (await subscribed()).includes('/Doveadm'), 'a folder that was made');
});

t.test('how soon: no more than some passes long, and one look each', async (t) => {
  const whole = await entries('INBOX');
  const took: number[] = [];
  const passMs: number[] = [];
  for (let n = 0; n < 5; n++) {
    forgetRepairs(site);
    const before = passes();
    const began = performance.now();
    await alice.command(n % 2 ? `DELETEACL INBOX ${at('bob')}` : `SETACL INBOX ${at('bob')} lrswipkxtea`);
    await waitFor(async () => (await entries('INBOX')) === whole, 'it is put right');
    took.push(performance.now() - began);
    await waitFor(() => passes() > before, 'the pass has ended');
    passMs.push(Number(running.log().findLast(({ msg }) => msg === 'verified')?.ms));
    t.ok(passes() - before <= 2, `${passes() - before} looks`);
  }
  const fastest = Math.min(...took);
  const pass = Math.min(...passMs);
  t.ok(fastest < 20 * Math.max(pass, 10), `${Math.round(fastest)} ms until it is right, a pass takes ${pass} ms`);
  t.comment(`took ${took.map(Math.round)}, passes ${passMs}`);
});

/** One request as it stands; resolves with the status line, '' where the connection ended without. */
const raw = (text: string | Buffer) =>
  new Promise<string>((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    let said = '';
    socket.setTimeout(20_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      socket.end();
    });
    socket.on('error', () => {}).on('close', () => resolve(said.split('\r\n')[0] ?? ''));
  });
const basic = (given = `mandat:${password}`) => `authorization: Basic ${Buffer.from(given).toString('base64')}\r\n`;
const post = (body: string, { head = basic(), place = '/events', method = 'POST' } = {}) =>
  raw(`${method} ${place} HTTP/1.1\r\nhost: x\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

t.test('who does not know the password, and what is no event, is refused', async (t) => {
  for (const head of [
    '',
    basic('mandat:'),
    basic('x:of-the-events'),
    basic('mandat:other'),
    'authorization: Bearer x\r\n',
  ]) {
    t.match(await post('{}', { head }), / 401 /, head);
  }
  t.match(await post('{}', { place: '/other' }), / 404 /);
  t.match(await post('', { method: 'GET' }), / 405 /);
  for (const body of [
    '',
    '{}',
    'null',
    '[]',
    '{"event":',
    '\0',
    '{"event":"imap_command_finished","fields":{"user":5}}',
  ]) {
    t.match(await post(body), / 400 /, JSON.stringify(body));
  }
  t.match(await raw(`POST /events HTTP/1.1\r\nhost: x\r\n${basic()}content-length: 99999999\r\n\r\n`), / 413 /);
  const endless = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
  t.match(
    await raw(`POST /events HTTP/1.1\r\nhost: x\r\n${basic()}transfer-encoding: chunked\r\n\r\n${endless}${endless}`),
    /^$| 413 /,
  );
  for (const text of [
    '\r\n\r\n',
    'nonsense\r\n\r\n',
    `GET / HTTP/1.1\r\nx: ${'y'.repeat(9000)}\r\n\r\n`,
    Buffer.alloc(5000, 255),
  ]) {
    await raw(text);
  }
  await alice.command('CREATE Still');
  await waitFor(async () => (await subscribed()).includes('/Still'), 'it goes on');
});

t.test('a flood of forged events, and idle connections, keep no revoke from its place', async (t) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  const idle = Array.from({ length: 200 }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
  let sent = 0;
  let flooding = true;
  const forged = (n: number) =>
    JSON.stringify({
      event: 'imap_command_finished',
      end_time: '2026-11-29T03:00:00Z',
      fields: { user: n % 2 ? at('carol') : `u${n}@x`, cmd_name: 'CREATE', mailbox: `f${n}`, tagged_reply_state: 'OK' },
    });
  const flood = async () => {
    while (flooding) {
      await new Promise<void>((resolve) => {
        const body = forged(sent++);
        const headers = { authorization: `Basic ${Buffer.from(`mandat:${password}`).toString('base64')}` };
        const request = http.request(
          { port, host: '127.0.0.1', path: '/events', method: 'POST', agent, headers },
          (answer) => {
            answer.resume().on('end', resolve);
          },
        );
        request.on('error', () => resolve());
        request.end(body);
      });
    }
  };
  const floods = Array.from({ length: 16 }, flood);
  await waitFor(() => sent > 2000, 'it floods');
  const ran = await site.mandat('revoke', at('carol'), at('bob'), '--yes');
  t.equal(ran.status, 0, ran.stderr);
  const during = sent;
  await waitFor(() => sent > during, 'it floods still');
  flooding = false;
  await Promise.all(floods);
  agent.destroy();
  for (const socket of idle) socket.destroy();
  t.notMatch((await (await site.login('carol')).command('GETACL INBOX')).lines.join(), at('bob'));
  const dave = await site.login('dave');
  const bobAgain = await site.login('bob'); // the revoke has ended their sessions
  let n = 0;
  await waitFor(async () => {
    await dave.command(`CREATE After${n++}`); // what was said in between may have found no place
    return (await bobAgain.command('LSUB "" "*"')).lines.join().includes(`${at('dave')}/After`);
  }, 'and it goes on');
});
