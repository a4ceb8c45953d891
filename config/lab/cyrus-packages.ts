/**
 * Debian 12's Cyrus, unpacked: installed it would remove Dovecot, since both are "the" IMAP server. .ci/setup has fetched the packages; they
 * are unpacked once, beside them, for every lab.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_CACHE } from './jail.ts';

const PACKAGES = [
  'cyrus-common',
  'cyrus-imapd',
  'cyrus-clients',
  'sasl2-bin',
  'db5.3-util',
  'libical3',
  'libpcre3',
  'libxapian30',
  'libzephyr4',
  'libclamav12',
  'libmspack0',
];

export interface CyrusPrograms {
  /** imapd, master, cyr_info, ... */
  readonly bin: string;
  readonly saslpasswd2: string;
  /** For LD_LIBRARY_PATH: what this machine hasn't got itself. */
  readonly libraries: string;
}

/** For a test's `skip`: why there is no Cyrus here, or false. */
export async function whyNoCyrus(): Promise<string | false> {
  return (
    (await unpacked()) === undefined &&
    `NO CYRUS HERE, and so not tried: .ci/setup fetches its packages into ${PACKAGE_CACHE}`
  );
}

export async function cyrusPrograms(): Promise<CyrusPrograms> {
  const root = await unpacked();
  if (root === undefined) throw new Error(`no Cyrus in ${PACKAGE_CACHE}: run .ci/setup`);
  const machine = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  return {
    bin: path.join(root, 'usr/lib/cyrus/bin'),
    saslpasswd2: path.join(root, 'usr/sbin/saslpasswd2'),
    libraries: ['usr/lib', 'lib'].map((one) => path.join(root, one, machine)).join(':'),
  };
}

async function unpacked(): Promise<string | undefined> {
  const files = await readdir(PACKAGE_CACHE).catch((): string[] => []);
  const debs = PACKAGES.map((name) =>
    files.filter((file) => file.startsWith(`${name}_`) && file.endsWith('.deb')).at(-1),
  );
  const version = debs[0]?.split('_')[1];
  if (version === undefined || debs.some((deb) => deb === undefined)) return undefined;
  const root = path.join(PACKAGE_CACHE, `cyrus-${version}`);
  if (existsSync(root)) return root;
  const fresh = await mkdtemp(`${root}.`);
  for (const deb of debs) await promisify(execFile)('dpkg-deb', ['-x', path.join(PACKAGE_CACHE, deb ?? ''), fresh]);
  // Another lab may have been faster: whoever is second throws his own away.
  await rename(fresh, root).catch(() => rm(fresh, { recursive: true, force: true }));
  await promisify(execFile)('chmod', ['755', root]);
  return root;
}
