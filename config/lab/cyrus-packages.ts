/** Debian 12's Cyrus, unpacked. */
import path from 'node:path';
import { PACKAGE_CACHE } from './jail.ts';
import { machineLibraries, unpackedPackages } from './unpacked-packages.ts';

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
    (await unpackedPackages('cyrus', PACKAGES)) === undefined &&
    `NO CYRUS HERE, and so not tried: .ci/setup fetches its packages into ${PACKAGE_CACHE}`
  );
}

export async function cyrusPrograms(): Promise<CyrusPrograms> {
  const root = await unpackedPackages('cyrus', PACKAGES);
  if (root === undefined) throw new Error(`no Cyrus in ${PACKAGE_CACHE}: run .ci/setup`);
  return {
    bin: path.join(root, 'usr/lib/cyrus/bin'),
    saslpasswd2: path.join(root, 'usr/sbin/saslpasswd2'),
    libraries: machineLibraries(root),
  };
}
