/** What systemd hears: READY, RELOADING, STOPPING, a line of STATUS, and a watchdog that starves when the work stands still. */
import path from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import type { Part } from '../../bridge/health/pulse.ts';
import { openSupervisor, watchdogOf } from '../../bridge/health/supervisor.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { desk } from '../cli/desk.ts';
import { lasting } from '../cli/lasting.ts';
import { type Listener, listenAt, WITHOUT } from './listener.ts';

const LIMIT_MS = 60_000;
const log = pino({ level: 'silent' });
let count = 0;

async function listening(t: Test, at = `@mandat-test-${process.pid}-${count++}`): Promise<Listener & { at: string }> {
  const listener = await listenAt(at);
  t.teardown(listener.close);
  return { ...listener, at };
}

t.test('whose watchdog it is', async (t) => {
  t.equal(watchdogOf({}, 7), undefined);
  t.equal(watchdogOf({ WATCHDOG_USEC: '3000000' }, 7), 3000);
  t.equal(watchdogOf({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7' }, 7), 3000);
  t.equal(watchdogOf({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '8' }, 7), undefined, "another's");
  t.equal(watchdogOf({ WATCHDOG_USEC: '0' }, 7), undefined);
  t.equal(watchdogOf({ WATCHDOG_USEC: 'soon' }, 7), undefined);
});

t.test('nobody listens', async (t) => {
  const supervisor = openSupervisor({}, { alive: () => [], line: () => '' }, log);
  await supervisor.ready();
  await supervisor.reloading();
  await supervisor.stopping();
  t.pass('nothing comes of it');
});

t.test('a watchdog that starves, and is fed again', { skip: WITHOUT }, async (t) => {
  const { heard, at } = await listening(t);
  const env: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    NOTIFY_SOCKET: at,
    WATCHDOG_USEC: '300000',
  };
  let parts: readonly Part[] = [{ name: 'passes', ok: true, told: '1 at work' }];
  const supervisor = openSupervisor(env, { alive: () => parts, line: () => 'two\nlines' }, log);
  t.same(env, { PATH: process.env.PATH }, 'no program that we start takes it for its own');
  await supervisor.ready();
  t.match(heard[0], { READY: '1', STATUS: 'two lines' });
  const fed = () => heard.filter(({ WATCHDOG }) => WATCHDOG === '1').length;
  await waitFor('it is fed', LIMIT_MS, () => fed() >= 3);
  parts = [{ name: 'passes', ok: false, told: 'one has done nothing for 900 s' }];
  await waitFor('it says why not', LIMIT_MS, () => heard.at(-1)?.STATUS?.startsWith('passes: one has done nothing'));
  t.notOk(heard.at(-1)?.WATCHDOG, 'and is fed no more');
  parts = [];
  const before = fed();
  await waitFor('it is fed again', LIMIT_MS, () => fed() > before);
});

t.test('a helper that fails is said once', { skip: WITHOUT }, async (t) => {
  const said: unknown[] = [];
  const noisy = { ...log, warn: (about: unknown) => said.push(about) } as unknown as typeof log;
  const env = { NOTIFY_SOCKET: `@mandat-test-nobody-${process.pid}` };
  const supervisor = openSupervisor(env, { alive: () => [], line: () => '' }, noisy);
  await supervisor.ready();
  await supervisor.stopping();
  t.equal(said.length, 1);
});

t.test('mandat run, from its start to its end', { skip: WITHOUT }, async (t) => {
  const here = await desk(t);
  const { heard, at } = await listening(t, path.join(here.directory, 'notify'));
  const asked = { NOTIFY_SOCKET: at, WATCHDOG_USEC: '600000' };
  const running = await lasting(t, here.configFile, 'run', asked);
  await running.said('watching');
  await waitFor('READY', LIMIT_MS, () => heard.length > 0);
  t.match(heard[0], { READY: '1', STATUS: /^watching; mailboxes: / });
  await waitFor('it is fed', LIMIT_MS, () => heard.some(({ WATCHDOG }) => WATCHDOG === '1'));
  const before = process.hrtime.bigint() / 1000n;
  process.kill(running.pid, 'SIGHUP');
  await waitFor('it has reread', LIMIT_MS, () => heard.some(({ RELOADING }) => RELOADING === '1'));
  const reloading = heard.findIndex(({ RELOADING }) => RELOADING === '1');
  t.ok(BigInt(heard[reloading]?.MONOTONIC_USEC ?? 0) >= before, 'the moment is of the clock that systemd compares');
  await waitFor('READY again', LIMIT_MS, () => heard.slice(reloading).some(({ READY }) => READY === '1'));
  t.equal(await running.end('SIGTERM'), 0);
  const stopping = heard.findIndex(({ STOPPING }) => STOPPING === '1');
  t.ok(stopping > reloading, 'STOPPING comes last of what it says of its state');
  for (const one of heard) t.notMatch(one.STATUS ?? '', '@', 'nobody is named');
});
