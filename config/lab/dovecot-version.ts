import { execFileSync } from 'node:child_process';

/** Which configuration syntax a Dovecot reads: 2.4 renamed most of what 2.3 had. */
export type DovecotVersion = '2.3' | '2.4';

let known: DovecotVersion | undefined;

/** Of the Dovecot that the lab starts here, on this machine or in the root that it runs in (.ci/in-root). */
export function dovecotVersion(): DovecotVersion {
  known ??= versionOf(execFileSync('/usr/sbin/dovecot', ['--version'], { encoding: 'utf8' }));
  return known;
}

export function versionOf(said: string): DovecotVersion {
  const [, major = '', minor = ''] = /^(\d+)\.(\d+)/.exec(said) ?? [];
  if (major !== '2' || Number(minor) < 3) throw new Error(`the lab knows Dovecot 2.3 and 2.4, and this is ${said}`);
  return minor === '3' ? '2.3' : '2.4';
}

/** Lines of a configuration: the same in both syntaxes, or one text for each. */
export type Lines = string | Readonly<Record<DovecotVersion, string>>;

export function linesFor(version: DovecotVersion, lines: Lines = ''): string {
  return typeof lines === 'string' ? lines : lines[version];
}

/**
 * For a test that is about one version's ways by its nature: what tap's `skip` takes.
 * @param why completes "not in Dovecot 2.4: "
 */
export function onlyIn(version: DovecotVersion, why: string): string | false {
  return dovecotVersion() === version ? false : `not in Dovecot ${dovecotVersion()}: ${why}`;
}
