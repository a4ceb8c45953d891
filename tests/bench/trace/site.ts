/** A site whose Dovecot tells of access to a sidecar that traces it, and one that tells nothing, with a bare sink beside them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { openMonths } from '../../../bridge/trace/month.ts';
import { traceDirectory } from '../../../bridge/trace/trace-files.ts';
import { dovecotVersion } from '../../../config/lab/dovecot-version.ts';
import { readFragment } from '../../../config/lab/fragment.ts';
import { reservePorts } from '../../../config/lab/ports.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { NODE } from '../../cli/built.ts';
import { at, type Running, type Site, startSite } from '../../servers/site.ts';
import { delegateName, ownerName, PEOPLE } from './made-event.ts';

export const PASSWORD = 'of-the-events';

/** Dovecot gives an event up after two seconds. */
const QUIET_MS = 5000;

export interface TracedSite {
  readonly site: Site;
  readonly running: Running;
  /** Of the endpoint for events; 0 where Dovecot tells nothing. */
  readonly port: number;
  /** How many accesses stand in the trace. */
  written(): number;
  /** Resolves with how many do: when there are that many, or no more have come for five seconds. */
  reached(accesses: number): Promise<number>;
  stop(): Promise<void>;
}

/** `told`: whether its Dovecot tells of access. */
export async function tracedSite(told: boolean, users: readonly string[]): Promise<TracedSite> {
  const reservation = await reservePorts(1);
  const [port = 0] = reservation.ports;
  const version = dovecotVersion();
  const key = version === '2.3' ? 'transport_args' : 'http_post_url';
  const fragments = told
    ? `${await readFragment(`dovecot/${version}/events.conf`)}
${await readFragment(`dovecot/${version}/trace.conf`)}
event_exporter mandat {
  ${key} = http://mandat:${PASSWORD}@127.0.0.1:${port}/events
}
`
    : '';
  const site = await startSite({
    reuse: false,
    users,
    postfix: false,
    senderRules: false,
    extraDovecot: fragments,
    extraToml: told ? `[events]\nlisten = "127.0.0.1:${port}"\n[trace]\nenabled = true\n` : '',
  });
  await writeFile(path.join(site.lab.directory, 'events.secret'), `${PASSWORD}\n`, { mode: 0o600 });
  const directory = traceDirectory(dataFiles(site.lab.directory));
  const written = () => {
    const { months } = openMonths(directory);
    try {
      const count = ({ database }: (typeof months)[number]) =>
        database.prepare<[], number>('SELECT count(*) FROM accesses').pluck().get() ?? 0;
      return months.reduce((sum, month) => sum + count(month), 0);
    } finally {
      for (const month of months) month.close();
    }
  };
  const running = await site.run();
  return {
    site,
    running,
    port: told ? port : 0,
    written,
    reached: async (accesses) => {
      let before = written();
      for (let since = performance.now(); before < accesses && performance.now() - since < QUIET_MS; await sleep(2)) {
        const now = written();
        if (now > before) since = performance.now();
        before = now;
      }
      return before;
    },
    stop: async () => {
      await running.end();
      await site.stop();
      reservation.release();
    },
  };
}

/** Their mailboxes and delegates, as {@link madeEvent} names them; nobody has a delegation, so no pass is at work. */
export async function registerPeople({ site }: TracedSite): Promise<void> {
  for (let n = 0; n < PEOPLE; n++) {
    await site.sql(`INSERT INTO mailbox (address, login) VALUES ('${at(ownerName(n))}', '${at(ownerName(n))}');
      INSERT INTO delegate (id, login) VALUES ('${at(delegateName(n))}', '${at(delegateName(n))}');`);
  }
}

export interface Sink {
  readonly port: number;
  stop(): void;
}

export async function startSink(): Promise<Sink> {
  const reservation = await reservePorts(1);
  const [port = 0] = reservation.ports;
  const [file = '', ...first] = NODE;
  const sink: ChildProcess = spawn(
    file,
    [...first, '--import', 'tsx', path.join(import.meta.dirname, 'sink.ts'), `${port}`],
    { stdio: 'ignore' },
  );
  await waitFor('the sink listens', 15_000, async () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    ),
  );
  return {
    port,
    stop: () => {
      sink.kill();
      reservation.release();
    },
  };
}
