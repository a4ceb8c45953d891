/** What ends sessions on a Cyrus for a hardened sidecar: who may ask it, as whom it runs, and how little it may do. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';

const DIRECTORY = path.resolve(import.meta.dirname, '../../config/cyrus');
const read = (name: string) => readFileSync(path.join(DIRECTORY, name), 'utf8');
const without = spawnSync('systemd-analyze', ['--version']).status !== 0;

t.test('only mandat may ask, and no question has root or a capability', async (t) => {
  t.match(read('mandat-sessions.socket'), /^SocketUser=mandat$[\s\S]*^SocketMode=0600$/m);
  const service = read('mandat-sessions@.service');
  t.match(service, /^User=cyrus$/m);
  t.match(service, /^NoNewPrivileges=yes$/m);
  t.match(service, /^CapabilityBoundingSet=$/m);
  t.match(service, /^RuntimeMaxSec=\d+$/m, 'none stays');
});

t.test('the same names everywhere', async (t) => {
  const [, socket] = /^ListenStream=(\S+)$/m.exec(read('mandat-sessions.socket')) ?? [];
  t.ok(read('mandat-ask-sessions').includes(`'${socket}'`), 'the client knows the socket');
  const [, program] = /^ExecStart=(\S+) socket$/m.exec(read('mandat-sessions@.service')) ?? [];
  t.ok(read('mandat.sudoers').includes(`NOPASSWD: ${program} ^(end|list) `), 'sudo runs the same program');
  for (const name of ['mandat-end-sessions', 'mandat-ask-sessions']) {
    t.equal(statSync(path.join(DIRECTORY, name)).mode & 0o111, 0o111, `${name} can be run`);
    t.match(read(name), `/usr/local/lib/mandat/${name}`, 'and says where it goes');
  }
});

t.test('exposure', { skip: without ? 'systemd-analyze is not on this machine' : false }, async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'mandat-units-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'mandat-sessions@1.service');
  copyFileSync(path.join(DIRECTORY, 'mandat-sessions@.service'), file);
  const { stdout, stderr } = spawnSync('systemd-analyze', ['security', '--offline=true', file], { encoding: 'utf8' });
  const [, exposure] = /exposure level for \S+: (\d+\.\d+)/.exec(stdout) ?? [];
  t.ok(Number(exposure) < 2, `${exposure ?? stderr}`);
});
