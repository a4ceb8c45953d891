/** What initdb makes takes a second or two and is always the same: made once a machine and copied for each lab. */
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { PACKAGE_CACHE } from './jail.ts';
import { run } from './run.ts';
import { systemUser } from './system-ids.ts';

const PROGRAMS = '/usr/lib/postgresql';

/** The newest that is installed: Debian keeps each version's programs in a folder of its own. */
export function postgresqlProgram(name: string): string {
  const [newest] = existsSync(PROGRAMS) ? readdirSync(PROGRAMS).sort((a, b) => Number(b) - Number(a)) : [];
  if (newest === undefined) throw new Error('no PostgreSQL on this machine: run .ci/setup');
  return path.join(PROGRAMS, newest, 'bin', name);
}

/** A folder to be copied: a cluster that has never run. Its superuser is `postgres`; its text is sorted as French is. */
export async function clusterTemplate(): Promise<string> {
  const initdb = postgresqlProgram('initdb');
  const { stdout } = await run(initdb, ['--version']);
  const version = /\d[\d.]*/.exec(stdout)?.[0] ?? 'unknown';
  const { uid, gid } = systemUser('postgres');
  const template = path.join(PACKAGE_CACHE, `postgresql-cluster-${version}-${uid}`);
  if (existsSync(template)) return template;
  await mkdir(PACKAGE_CACHE, { recursive: true });
  const fresh = await mkdtemp(`${template}.`);
  await chown(fresh, uid, gid);
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=fr'];
  const how = ['-D', fresh, '-U', 'postgres', ...locale, '--wal-segsize=1', '--no-sync', '--auth=trust'];
  try {
    // It says that "trust" is dangerous; who may connect is written into each copy.
    await run('setpriv', ['--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', '--', initdb, ...how], {
      cwd: '/',
    });
    // Another lab may have been faster: whoever is second throws their own away.
    await rename(fresh, template);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!existsSync(template)) throw error;
  }
  return template;
}
