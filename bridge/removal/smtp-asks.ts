/**
 * Whether Postfix still asks mandat's map who may send. As long as it does the owners' own rules must stand there, or they are locked out of
 * their own addresses: so the map is emptied only once Postfix was seen to ask it, and is seen to ask it no more.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/schema.ts';
import { readPostfix } from '../doctor/postconf.ts';
import { isOurTable } from '../doctor/postfix-maps.ts';
import { tablesIn } from '../doctor/sender-maps.ts';
import { runTool } from '../shared/run-tool.ts';
import { asRoot } from '../shared/unix-user.ts';
import type { DataFiles } from '../store/files/data-files.ts';

export type Asking =
  /** Its configuration names the map. */
  | { readonly kind: 'asks'; readonly directory: string; readonly services: readonly string[] }
  /** Its configuration doesn't, but processes from before the change run on. */
  | { readonly kind: 'not reread'; readonly directory: string; readonly processes: number }
  | { readonly kind: 'does not ask'; readonly directory: string }
  /** It can't be seen. */
  | { readonly kind: 'unseen'; readonly why: string };

/** How long processes from before a reload are waited for, and between two looks. */
const LEAVING_MS = 10_000;
const POLL_MS = 200;

/** Without a directory, this machine's own Postfix. */
export async function askedByPostfix(config: Config, files: DataFiles, given: string | undefined): Promise<Asking> {
  const reading = await readPostfix(given);
  if (reading.found === undefined) return { kind: 'unseen', why: reading.why };
  const chosen = given === undefined ? [] : ['-c', given];
  const value = async (name: string) => (await runTool('postconf', [...chosen, '-h', name])).stdout.trim();
  const directory = given ?? (await value('config_directory'));
  const { found } = reading;
  const asks = (maps: string) => tablesIn(maps).some((table) => isOurTable({ config, files }, table));
  const services = [
    ...(asks(found.main('smtpd_sender_login_maps')) ? ['main.cf'] : []),
    ...found.smtpd
      .filter((one) => one.overrides('smtpd_sender_login_maps') && asks(one.setting('smtpd_sender_login_maps')))
      .map(({ name }) => name),
  ];
  if (services.length > 0) return { kind: 'asks', directory, services };
  if (!(await found.runs())) return { kind: 'does not ask', directory };
  if (process.getuid?.() !== 0)
    return { kind: 'unseen', why: 'whether Postfix has reread its configuration, only root may see' };
  const queue = realpathSync(await value('queue_directory'));
  const changed = Math.max(...['main.cf', 'master.cf'].map((name) => statSync(join(directory, name)).mtimeMs));
  for (const until = performance.now() + LEAVING_MS; ; await delay(POLL_MS)) {
    const processes = asRoot(() => olderThan(changed, queue));
    if (processes === 0) return { kind: 'does not ask', directory };
    if (performance.now() > until) return { kind: 'not reread', directory, processes };
  }
}

/** Programs of Postfix that read the map's name when they begin. A process that began in the very second of the change counts as older. */
const ASKING = new Set(['smtpd', 'proxymap']);
const SECOND_MS = 1000;

/** How many of this Postfix's processes began before `changed` (ms since 1970), by /proc. `queue`: the directory that they all work in. */
function olderThan(changed: number, queue: string): number {
  const booted = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]) * SECOND_MS;
  const TICK_MS = 10; // USER_HZ, 100 on every Linux
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
      if (!ASKING.has(name) || !isBelow(readlinkSync(`/proc/${pid}/cwd`), queue)) return false;
      const began = booted + Number(rest.split(' ')[19]) * TICK_MS;
      return began < changed + SECOND_MS;
    } catch {
      return false; // it has ended
    }
  }).length;
}

/** Those that are chrooted have it as their root, and see themselves at `/`. */
const isBelow = (directory: string, queue: string) => directory === queue || directory.startsWith(`${queue}/`);
