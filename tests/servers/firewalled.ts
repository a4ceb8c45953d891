/**
 * In a network of its own (unshare --net), as a process: Postfix with its re-injection port, the firewall fragment for this user or
 * that, and what the doctor makes of it. Prints a JSON line for each. Arguments: the user that mandat is to run as, and others.
 */
import { spawnSync } from 'node:child_process';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openSubject } from '../../bridge/doctor/examined-site.ts';
import { reinjection } from '../../bridge/doctor/filter.ts';
import { postfixDirectory } from '../doctor/breakage.ts';
import { configOf } from './inside.ts';
import { startSite } from './site.ts';

const FRAGMENT = path.resolve(import.meta.dirname, '../../config/nftables/mandat.nft');
const LOOPBACK_UP =
  "import fcntl,socket,struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh14x', b'lo', 0x49))";

function run(file: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file}: ${error?.message ?? stderr}`);
  return stdout;
}

// It flushes the firewall that it finds. A network that was just made has not even loopback.
if (Object.keys(os.networkInterfaces()).length > 0) throw new Error('not in a network of its own: see unshare --net');
run('python3', ['-c', LOOPBACK_UP]);
const site = await startSite({ users: ['bob'], filter: true });
const dataDir = await mkdtemp(path.join(os.tmpdir(), 'mandat-firewalled-'));
try {
  const [user = '', ...others] = process.argv.slice(2);
  await chown(dataDir, Number(run('id', ['-u', user])), Number(run('id', ['-g', user])));
  const fragment = await readFile(FRAGMENT, 'utf8');
  for (const allowed of [undefined, user, ...others]) {
    if (allowed !== undefined) {
      const { port } = site.lab.reinject;
      const rules = fragment.replace('10027', String(port)).replace('"mandat"', JSON.stringify(allowed));
      await writeFile(path.join(dataDir, 'mandat.nft'), rules);
      // As Debian's own file, which begins by flushing everything; and once more, by itself.
      run('nft', ['-f', '-'], `flush ruleset\ntable inet filter {\n}\ninclude "${path.join(dataDir, 'mandat.nft')}"\n`);
      run('nft', ['-f', path.join(dataDir, 'mandat.nft')]);
      const loaded = run('nft', ['list', 'ruleset']).split('skuid').length - 1;
      if (loaded !== 1) throw new Error(`${loaded} rules stand, not one`);
    }
    const subject = openSubject({ ...configOf(site), dataDir }, {}, { postfixConfig: postfixDirectory(site) });
    const finding = await reinjection.look(subject);
    await subject.close();
    console.log(JSON.stringify({ allowed, ...finding }));
  }
} finally {
  await site.stop();
  await rm(dataDir, { recursive: true });
}
