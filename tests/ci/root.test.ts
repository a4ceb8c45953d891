/** .ci/root makes a root once, in one go. Programs that would take a minute and the network are played by scripts in PATH. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../.ci/root');
const NOT_HERE = 75;

function machine(t: Test) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-root-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const at = (name: string) => path.join(directory, name);
  const program = (name: string, lines: string) => {
    writeFileSync(at(name), `#!/bin/bash\n${lines}\n`);
    chmodSync(at(name), 0o755);
  };
  program('apt-get', 'echo http://mirror.invalid/debian');
  program('chroot', `cat >/dev/null; echo "$*" >>${at('inside')}`);
  const debootstrap = (ending: string) =>
    program(
      'debootstrap',
      `echo made >>${at('made')}; for last; do [ -d "$last" ] && mkdir -p "$last"/{etc/apt,usr/sbin,usr/local/bin}; done; ${ending}`,
    );
  debootstrap('exit 0');
  const start = (...args: readonly string[]) =>
    spawn(SCRIPT, args, {
      env: { ...process.env, PATH: `${directory}:${process.env.PATH}`, MANDAT_CACHE: at('cache') },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  const made = () => (existsSync(at('made')) ? readFileSync(at('made'), 'utf8').split('\n').length - 1 : 0);
  return { at, debootstrap, start, made, root: at('cache/debian13') };
}

function ended(child: ReturnType<typeof spawn>) {
  let said = '';
  for (const one of [child.stdout, child.stderr])
    one?.on('data', (data) => {
      said += data;
    });
  return new Promise<{ status: number | null; said: string }>((resolve) =>
    child.once('close', (status) => resolve({ status, said })),
  );
}

t.test('made once, by whoever comes first, and said where', async (t) => {
  const { start, made, root } = machine(t);
  const all = await Promise.all([1, 2, 3].map(() => ended(start('debian13'))));
  for (const one of all) t.match(one, { status: 0, said: root });
  t.equal(made(), 1);
  const ran = await ended(start('debian13', 'sh', '-c', 'echo "in $MANDAT_ROOT"; exit 3'));
  t.match(ran, { status: 3, said: `in ${root}` }, 'a command runs with it, and its status counts');
  t.equal(made(), 1);
});

t.test('made anew where it is of another recipe', async (t) => {
  const { start, made, root } = machine(t);
  await ended(start('debian13'));
  writeFileSync(path.join(root, 'etc/mandat-root'), 'bookworm: postfix\n');
  t.match(await ended(start('debian13')), { status: 0 });
  t.equal(made(), 2);
});

t.test('what can’t be made leaves nothing, and says why', async (t) => {
  const { at, debootstrap, start, root } = machine(t);
  debootstrap('echo "no such mirror"; exit 1');
  t.match(await ended(start('debian13')), { status: NOT_HERE, said: /no such mirror\n.*debootstrap failed/ });
  t.notOk(existsSync(root));
  t.notOk(existsSync(`${root}.new`));
  writeFileSync(at('file'), '');
  const elsewhere = spawn(SCRIPT, ['debian13'], { env: { ...process.env, MANDAT_CACHE: at('file') } });
  t.match(await ended(elsewhere), { status: NOT_HERE, said: /can't be written/ });
});

t.test('killed in the middle: not taken for whole, and made the next time', async (t) => {
  const { at, debootstrap, start, made, root } = machine(t);
  debootstrap(`ps -o pgid= $$ >${at('group.new')} && mv ${at('group.new')} ${at('group')}; sleep 600`);
  const first = start('debian13');
  const end = ended(first);
  await waitFor('it has begun', 10_000, () => existsSync(at('group')));
  // timeout(1) leads a group of its own.
  for (const group of [first.pid ?? 0, Number(readFileSync(at('group'), 'utf8'))]) process.kill(-group, 'SIGKILL');
  await end;
  debootstrap('exit 0');
  t.match(await ended(start('debian13')), { status: 0, said: root });
  t.equal(made(), 2);
  t.same(readdirSync(path.dirname(root)).sort(), ['debian13', 'debian13.lock', 'debian13.log'], 'nothing else is left');
});
