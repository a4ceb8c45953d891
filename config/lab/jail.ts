/**
 * Servers whose packages can't be installed beside Postfix: unpacked into a root directory of their own, with an /etc and accounts of
 * their own, and run there by chroot(8). .ci/setup has fetched the packages; libraries that aren't among them come from this machine.
 */
import { chmod, copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './run.ts';
import type { SystemIds } from './system-ids.ts';

/** Where .ci/setup keeps them. */
export const PACKAGE_CACHE = '/var/cache/mandat-tests';

/** Debian's name for this machine's kind of libraries. */
const LIBRARIES = `usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;

export interface JailPlan {
  readonly directory: string;
  readonly packages: readonly string[];
  /** The programs that are run there. */
  readonly programs: readonly string[];
  readonly accounts: Readonly<Record<string, SystemIds>>;
}

export async function makeJail({ directory, packages, programs, accounts }: JailPlan): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const name of packages) await run('dpkg-deb', ['-x', await fetched(name), directory]);
  // As on Debian, where they are links: libraries are looked for by both names.
  for (const made of ['etc', 'dev', 'run', 'tmp', 'var', 'usr/lib', 'lib64']) {
    await mkdir(path.join(directory, made), { recursive: true });
  }
  await symlink('../run', path.join(directory, 'var/run'));
  for (const program of programs) await copyLibraries(directory, program);
  const users = Object.entries({ root: { uid: 0, gid: 0 }, ...accounts });
  const lines = (line: (name: string, ids: SystemIds) => string) =>
    users.map(([name, ids]) => `${line(name, ids)}\n`).join('');
  const etc = (name: string, text: string) => writeFile(path.join(directory, 'etc', name), text);
  await etc(
    'passwd',
    lines((name, { uid, gid }) => `${name}:x:${uid}:${gid}::/:/bin/false`),
  );
  await etc(
    'group',
    lines((name, { gid }) => `${name}:x:${gid}:`),
  );
  await etc('hosts', '127.0.0.1 localhost\n');
  await etc('resolv.conf', '');
  for (const [name, minor] of [
    ['null', '3'],
    ['urandom', '9'],
  ] as const) {
    const node = path.join(directory, 'dev', name);
    await run('mknod', [node, 'c', '1', minor]);
    await chmod(node, 0o666);
  }
}

/** The package's file. */
export async function fetched(name: string): Promise<string> {
  const files = await readdir(PACKAGE_CACHE).catch((): string[] => []);
  const file = files
    .filter((one) => one.startsWith(`${name}_`) && one.endsWith('.deb'))
    .sort()
    .at(-1);
  if (file === undefined) throw new Error(`no package ${name} in ${PACKAGE_CACHE}: run .ci/setup`);
  return path.join(PACKAGE_CACHE, file);
}

/** Those that are in the jail already stay; the rest are copied to where the loader looks first. */
async function copyLibraries(directory: string, program: string): Promise<void> {
  const inside = path.join(directory, LIBRARIES);
  await mkdir(inside, { recursive: true });
  const { stdout } = await run('ldd', [path.join(directory, program)], { env: { LD_LIBRARY_PATH: inside } });
  if (stdout.includes('not found')) throw new Error(`${program} lacks a library:\n${stdout}`);
  for (const [, library = ''] of stdout.matchAll(/(\/\S+) \(0x/g)) {
    if (library.startsWith(directory)) continue;
    const to = library.includes('/ld-linux')
      ? path.join(directory, library)
      : path.join(inside, path.basename(library));
    await mkdir(path.dirname(to), { recursive: true });
    await copyFile(library, to);
  }
}

/** Ends with the process that started it, whatever ends that: no watchdog knows these servers. */
export function inJail(directory: string, ...argv: readonly string[]): readonly [string, ...string[]] {
  return ['/usr/bin/setpriv', '--pdeathsig', 'TERM', '/usr/sbin/chroot', directory, ...argv];
}
