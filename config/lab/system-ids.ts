import { readFileSync } from 'node:fs';

/** A system account's ids. Everything in the lab runs as accounts that the Debian packages made. */
export interface SystemIds {
  readonly uid: number;
  readonly gid: number;
}

export function systemUser(name: string): SystemIds {
  const [, , uid, gid] = entry('/etc/passwd', name);
  return { uid: Number(uid), gid: Number(gid) };
}

export function systemGroup(name: string): number {
  return Number(entry('/etc/group', name)[2]);
}

function entry(file: string, name: string): string[] {
  const found = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([first]) => first === name);
  if (!found) throw new Error(`no ${name} in ${file}: run .ci/setup`);
  return found;
}
