/** Breaking one thing of a site, and asking the doctor: exactly the checks named are bad, and each says what to do. */
import { readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Test } from 'tap';
import { examine, type Line } from '../../bridge/doctor/examine.ts';
import type { DoctorOptions } from '../../bridge/doctor/examined-site.ts';
import type { Status } from '../../bridge/doctor/finding.ts';
import { loadConfig } from '../../config/load.ts';
import type { Site } from '../servers/site.ts';

export type Lines = ReadonlyMap<string, Line>;
/** By check: `warn` or `fail`. */
export type Bad = Readonly<Record<string, Status>>;

export interface Breakage {
  readonly what: string;
  /** Returns how to mend it. */
  readonly break: (site: Site) => Mend | Promise<Mend>;
  readonly bad: Bad;
  /** In what is seen of the first bad check, or in its remedy. */
  readonly says: RegExp;
  readonly options?: DoctorOptions;
  readonly env?: Readonly<Record<string, string>>;
}

export type Mend = () => unknown;

export const dovecotConf = ({ lab }: Site) => path.join(lab.directory, 'dovecot/dovecot.conf');
export const postfixDirectory = ({ lab }: Site) => path.join(lab.directory, 'postfix/conf');

/** In the process of the test, with the lab's own configuration files. */
export async function examined(site: Site, options: DoctorOptions = {}, env = {}): Promise<Lines> {
  const config = loadConfig({ path: site.configFile, env: {}, cwd: site.lab.directory });
  const here = { dovecotConfig: dovecotConf(site), postfixConfig: postfixDirectory(site), smtp: site.lab.smtp };
  const lines = await examine(config, env, { ...here, ...options });
  return new Map(lines.map((line) => [line.check, line]));
}

/** The checks that warn or fail. */
export function badOf(lines: Lines): Bad {
  const bad = [...lines].filter(([, { status }]) => status === 'warn' || status === 'fail');
  return Object.fromEntries(bad.map(([check, { status }]) => [check, status]));
}

/** Breaks each in turn. `always` is bad before anything is broken, such as a sidecar that isn't there. */
export async function breakEach(t: Test, site: Site, breakages: readonly Breakage[], always: Bad = {}): Promise<void> {
  t.same(badOf(await examined(site)), always, 'nothing is broken yet');
  for (const breakage of breakages) {
    await t.test(breakage.what, async (t) => {
      const mend = await breakage.break(site);
      try {
        const lines = await examined(site, breakage.options, breakage.env);
        const bad = badOf(lines);
        const still = Object.entries(always).filter(([check]) => lines.get(check)?.status !== 'skipped');
        t.same(bad, { ...Object.fromEntries(still), ...breakage.bad }, said(lines));
        for (const check of Object.keys(bad)) {
          const { seen, remedy } = lines.get(check) as Line;
          t.not(remedy, '', `${check} says what to do`);
          t.notMatch(`${seen} ${remedy}`, /defect of mandat|undefined|\[object/, `${check} is in words for people`);
        }
        const [first = ''] = Object.keys(breakage.bad);
        const { seen = '', remedy = '' } = lines.get(first) ?? {};
        t.match(`${seen} -> ${remedy}`, breakage.says, `${first} says so`);
      } finally {
        await mend();
      }
    });
  }
  t.same(badOf(await examined(site)), always, 'all is mended');
}

function said(lines: Lines): string {
  const bad = [...lines.values()].filter(({ status }) => status === 'warn' || status === 'fail');
  return bad.map(({ check, seen, remedy }) => `${check}: ${seen} -> ${remedy}`).join(' | ');
}

/** Replaces the text of a file, as if long ago: Postfix rereads for two seconds what has just been changed. */
export async function rewritten(file: string, change: (text: string) => string): Promise<Mend> {
  const before = await readFile(file, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`nothing was changed in ${file}`);
  await writeCold(file, after);
  return () => writeCold(file, before);
}

async function writeCold(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  const minuteAgo = Date.now() / 1000 - 60;
  await utimes(file, minuteAgo, minuteAgo);
}
