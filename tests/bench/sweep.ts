/** The sidecar's memory after one full sweep of many mailboxes with ten delegations each, against the lab. */
import Database from 'better-sqlite3';
import { at, startSite } from '../servers/site.ts';
import { peakMemoryMb } from './wake.ts';

export interface SweepFigures {
  readonly mailboxes: number;
  readonly delegations: number;
  readonly seconds: number;
  readonly peakMb: number;
}

/** So many mailboxes each, as in a practice; the server's own list of what is shared with whom costs it more the longer it is. */
const MAILBOXES_EACH = 10;

export async function sweepFigures(mailboxes: number): Promise<SweepFigures> {
  const owners = Array.from({ length: mailboxes }, (_, n) => `owner${n}`);
  const people = owners.map((_, n) => `delegate${n}`);
  const site = await startSite({ reuse: false, users: [...owners, ...people], postfix: false });
  try {
    const insert = (into: string, values: readonly string[]) => `INSERT INTO ${into} VALUES ${values.join(',')};`;
    const table = new Database(site.table);
    table.exec(
      [
        'BEGIN;',
        insert(
          'mailbox (address)',
          owners.map((name) => `('${at(name)}')`),
        ),
        insert(
          'delegate (id)',
          people.map((name) => `('${at(name)}')`),
        ),
        ...owners.map((owner, n) =>
          insert(
            'delegation (mailbox, delegate)',
            Array.from(
              { length: MAILBOXES_EACH },
              (_, k) => `('${at(owner)}', '${at(`delegate${(n + k) % mailboxes}`)}')`,
            ),
          ),
        ),
        'COMMIT;',
      ].join('\n'),
    );
    table.close();
    const began = performance.now();
    const sidecar = await site.run();
    await site.settled(6 * 3_600_000);
    const seconds = (performance.now() - began) / 1000;
    const peakMb = peakMemoryMb(sidecar.pid);
    await sidecar.end();
    return { mailboxes, delegations: mailboxes * MAILBOXES_EACH, seconds, peakMb };
  } finally {
    await site.stop();
  }
}
