/** The sidecar's ear, with the thread that it starts: what comes is heard a few at a time, and it comes back when it could not listen. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { EVENTS_PATH, EVENTS_USER } from '../../bridge/events/endpoint.ts';
import { openHearing } from '../../bridge/events/hearing.ts';
import type { Hint } from '../../bridge/events/hint.ts';
import type { IntakeCounts } from '../../bridge/events/intake.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { waitFor } from '../../config/lab/wait.ts';
import type { Config } from '../../config/schema.ts';
import { builtDirectory } from '../cli/built.ts';

const LIMIT_MS = 60_000;
const PORTION = 20;

async function hearing(t: Test, work: (hints: readonly Hint[]) => Promise<void> = async () => {}) {
  const reservation = await reservePorts(1);
  t.teardown(() => reservation.release());
  const [port = 0] = reservation.ports;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-hearing-'));
  const passwordFile = path.join(directory, 'events.secret');
  const setPassword = (password: string) => writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  setPassword('first');
  const lines: string[] = [];
  const heard: (readonly Hint[])[] = [];
  const site = { port, setPassword, heard, missed: 0, counts: undefined as IntakeCounts | undefined };
  const open = async () => {
    const config = { events: { listen: `127.0.0.1:${port}`, passwordFile } } as unknown as Pick<Config, 'events'>;
    const opened = await openHearing({
      config,
      program: path.join(await builtDirectory(), 'cli/intake-thread.js'),
      env: {},
      log: pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) }),
      hear: async (hints) => {
        heard.push(hints);
        await work(hints);
      },
      missed: () => void site.missed++,
      counted: (counts) => {
        site.counts = counts;
      },
    });
    t.teardown(() => opened.close());
    return opened;
  };
  const said = (what: RegExp, times = 1) =>
    waitFor(
      `"${what}", ${times} times`,
      LIMIT_MS,
      () => lines.filter((line) => what.test(line)).length >= times,
      () => lines.join(''),
    );
  const sendOne = async (password: string, folder: string) => {
    const fields = {
      user: `${folder.toLowerCase()}@lab.test`,
      cmd_name: 'CREATE',
      cmd_args: folder,
      tagged_reply_state: 'OK',
    };
    const answer = await fetch(`http://127.0.0.1:${port}${EVENTS_PATH}`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${EVENTS_USER}:${password}`).toString('base64')}` },
      body: JSON.stringify({ event: 'imap_command_finished', end_time: new Date().toISOString(), fields }),
    });
    return answer.status;
  };
  /** Few connections at once, as from Dovecot: it has no room for many. */
  const send = async (password: string, ...folders: readonly string[]) => {
    const answers: number[] = [];
    for (let at = 0; at < folders.length; at += 5)
      answers.push(...(await Promise.all(folders.slice(at, at + 5).map((folder) => sendOne(password, folder)))));
    return answers;
  };
  const folders = () => heard.flat().flatMap(({ folders }) => folders);
  return { site, open, said, send, folders };
}

t.test('what comes is heard a few at a time, the next ones when these were looked into', async (t) => {
  let goOn = () => {};
  const inHand = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const { site, open, said, send, folders } = await hearing(t, () => inHand);
  await open();
  await said(/taking events/);
  await send('first', 'Dossier0');
  await waitFor('the first', LIMIT_MS, () => site.heard.length === 1);
  const more = Array.from({ length: 30 }, (_, n) => `Dossier${n + 1}`);
  await send('first', ...more);
  t.equal(site.heard.length, 1, 'nothing more while that is looked into');
  goOn();
  await waitFor('all of them', LIMIT_MS, () => folders().length === 31);
  t.same([...folders()].sort(), ['Dossier0', ...more].sort(), 'each once');
  t.ok(
    site.heard.every((hints) => hints.length <= PORTION),
    'twenty at most',
  );
  await waitFor('it is counted', LIMIT_MS, () => site.counts !== undefined);
  t.equal(site.missed, 0);
});

t.test('what finds no place makes a sweep', async (t) => {
  let goOn = () => {};
  const inHand = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const { site, open, said, send } = await hearing(t, () => inHand);
  await open();
  await said(/taking events/);
  await send('first', 'Dossier0');
  await waitFor('the first', LIMIT_MS, () => site.heard.length === 1);
  await waitFor('it is counted', LIMIT_MS, () => site.counts !== undefined); // what is lost is what comes after that
  await send('first', ...Array.from({ length: 420 }, (_, n) => `Dossier${n + 1}`));
  await said(/more hints came by events than could be kept/);
  t.equal(site.missed, 1);
  goOn();
});

t.test('a changed password counts, one that can not be read does not', async (t) => {
  const { site, open, said, send } = await hearing(t);
  await open();
  await said(/taking events/);
  t.same(await send('second', 'A'), [401]);
  site.setPassword('second');
  await waitFor('the new one', LIMIT_MS, async () => (await send('second', 'A'))[0] !== 401);
  t.same(await send('first', 'A'), [401], 'the old one is none any more');
});

t.test('where it can not listen it says so, and comes back: then something may have been missed', async (t) => {
  const { site, open, said, send, folders } = await hearing(t);
  const stranger = net.createServer();
  await new Promise<void>((resolve) => stranger.listen(site.port, '127.0.0.1', resolve));
  const ear = await open();
  await said(/no events are taken: can't listen on/);
  await new Promise((resolve) => stranger.close(resolve));
  await said(/taking events/);
  await waitFor('a sweep is asked for', LIMIT_MS, () => site.missed === 1);
  await send('first', 'Later');
  await waitFor('it is heard', LIMIT_MS, () => folders().includes('Later'));
  await ear.close();
  await t.rejects(send('first', 'Never'), 'closed, nobody listens');
});

t.test('without [events] there is nothing to hear', async (t) => {
  const ear = await openHearing({
    config: { events: undefined },
    env: {},
    log: pino({ level: 'silent' }),
    hear: async () => void t.fail('heard'),
    missed: () => t.fail('missed'),
  });
  await ear.close();
});
