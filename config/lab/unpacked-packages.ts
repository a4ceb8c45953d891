/**
 * Debian packages of servers that can't be installed beside Dovecot, since each of them is "the" IMAP server. .ci/setup has fetched them; they
 * are unpacked once, beside them, for every lab.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { PACKAGE_CACHE } from './jail.ts';
import { run } from './run.ts';

/** Where they are unpacked; undefined when one of them was not fetched. The first gives the version. */
export async function unpackedPackages(name: string, packages: readonly string[]): Promise<string | undefined> {
  const files = await readdir(PACKAGE_CACHE).catch((): string[] => []);
  const debs = packages.map((one) =>
    files.filter((file) => file.startsWith(`${one}_`) && file.endsWith('.deb')).at(-1),
  );
  const version = debs[0]?.split('_')[1];
  if (version === undefined || debs.some((deb) => deb === undefined)) return undefined;
  const root = path.join(PACKAGE_CACHE, `${name}-${version}`);
  if (existsSync(root)) return root;
  const fresh = await mkdtemp(`${root}.`);
  for (const deb of debs) await run('dpkg-deb', ['-x', path.join(PACKAGE_CACHE, deb ?? ''), fresh]);
  // Another lab may have been faster: whoever is second throws their own away.
  await rename(fresh, root).catch(() => rm(fresh, { recursive: true, force: true }));
  await run('chmod', ['755', root]);
  return root;
}

/** For LD_LIBRARY_PATH. */
export function machineLibraries(root: string): string {
  const machine = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  return ['usr/lib', 'lib'].map((one) => path.join(root, one, machine)).join(':');
}
