/** The program is exchanged while people send: with a stand-in nobody is refused, and what waited has arrived. docs/operations.md, Upgrade. */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { rfc5322 } from '../../config/lab/deliver.ts';
import type { SmtpAnswer } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { builtMandat } from '../cli/built.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { submissionAs } from './submission.ts';

const SOCKETMAP = 'kind = "socketmap"\nsocketmap_path = "sender.sock"\n';
const LIMIT_MS = 60_000;

for (const senderMap of ['sqlite', 'socketmap'] as const) {
  t.test(`sender rules by ${senderMap}`, async (t) => {
    const site = await startSite({
      users: ['alice', 'bob'],
      chroot: false,
      filter: true,
      senderMap,
      extraSubmission: 'copy_delay_seconds = 0\n',
      extraToml: senderMap === 'socketmap' ? SOCKETMAP : '',
    });
    t.teardown(() => site.stop());
    await site.register('alice', 'bob');
    await grantRow(site, 'alice', 'bob');
    await site.run();
    await site.settled();
    const sockets = ['filter.sock', 'copy.sock', ...(senderMap === 'socketmap' ? ['sender.sock'] : [])].map((name) =>
      path.join(site.lab.directory, 'run', name),
    );
    t.equal((await send(site)).code, 250, 'first of all');

    await site.stopSidecars();
    t.match(await send(site), { code: 451 }, 'so it is without one');

    await site.run();
    const stood = await standIn(site);
    t.match(stood, /^standing in for 60 s at most \(process \d+\)\n$/);
    for (const socket of sockets) t.ok(lstatSync(socket).isSymbolicLink(), socket);
    const pid = Number(/\d+(?=\))/.exec(stood)?.[0]);

    let over = false;
    const sending = [1, 2, 3].map(async () => {
      const codes: number[] = [];
      while (!over) codes.push((await send(site)).code);
      return codes;
    });
    await site.stopSidecars();
    for (const socket of sockets) t.ok(lstatSync(socket).isSymbolicLink(), `${socket}: nobody else took the name away`);
    t.match(await site.mandat('init'), { status: 0 });
    await site.run();
    for (const socket of sockets) t.ok(lstatSync(socket).isSocket(), socket);
    await waitFor('the stand-in has ended', LIMIT_MS, () => !isThere(pid));
    over = true;
    const codes = (await Promise.all(sending)).flat();
    t.ok(codes.length >= 3);
    t.strictSame(
      codes.filter((code) => code !== 250),
      [],
      'nobody was refused',
    );
    for (const socket of sockets) t.notOk(existsSync(`${socket}.wait`));
    await waitFor('all have arrived', LIMIT_MS, () => arrived(site) === codes.length + 1);
    const queue = ['-c', path.join(site.lab.directory, 'postfix/conf'), '-f'];
    await waitFor('and have a copy in Sent', LIMIT_MS, async () => {
      await promisify(execFile)('postqueue', queue); // those that met a closed door would wait for minutes
      return (await copies(site)) === codes.length + 1;
    });
    await site.stopSidecars();
    t.equal(arrived(site), codes.length + 1, 'none twice');
    for (const socket of sockets) t.notOk(existsSync(socket), 'each takes its own name away');
  });
}

/** As a process: it starts the one in the background by its own name. */
async function standIn({ configFile }: Site): Promise<string> {
  const [program = '', ...first] = await builtMandat();
  const { stdout, stderr } = await promisify(execFile)(program, [
    ...first,
    '--config',
    configFile,
    'stand-in',
    '--for',
    '60',
  ]);
  t.equal(stderr, '');
  return stdout;
}

async function send(site: Site): Promise<SmtpAnswer> {
  const session = await submissionAs(site, 'bob');
  try {
    return await session.sendMail(
      at('bob'),
      'patient@far.test',
      rfc5322({ from: at('alice'), to: 'patient@far.test', subject: 'x', body: 'x' }),
    );
  } finally {
    session.close();
  }
}

/** Postfix tells the postmaster of what it could not take; that is none of them. */
function arrived({ lab: { outside } }: Site): number {
  const texts = readdirSync(outside).map((name) => readFileSync(path.join(outside, name), 'utf8'));
  return texts.filter((text) => /^Subject: x\r?$/m.test(text)).length;
}

async function copies(site: Site): Promise<number> {
  const imap = await site.login('alice');
  const { lines } = await imap.command('STATUS Sent (MESSAGES)');
  imap.close();
  return Number(/MESSAGES (\d+)/.exec(lines.join())?.[1]);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
