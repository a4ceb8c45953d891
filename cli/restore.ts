import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { type InPlace, inPlaceNow } from '../bridge/backup/in-place.ts';
import { type Offered, offeredIn } from '../bridge/backup/offered.ts';
import { aloneOn, type PutBack, putBack, refuseOther } from '../bridge/backup/put-back.ts';
import { refusePostgres } from '../bridge/configured/stores.ts';
import { acceptShorterTrail } from '../bridge/safeguards/shorter-trail.ts';
import { acceptRestored } from '../bridge/safeguards/table-from-the-past.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { refuseOldPlaces } from '../bridge/store/files/old-layout.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { mailboxIds, markPending } from '../bridge/store/table/rows.ts';
import { existingSealKey } from '../bridge/store/trail/sealing.ts';
import { confirmed } from './confirm.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { counted, oneLine } from './output.ts';
import type { Runner } from './runner.ts';
import { becomeOwnerOf, type Session } from './session.ts';
import { shownTime } from './times.ts';

export function restoreCommand(program: Command, run: Runner): void {
  const restore = program
    .command('restore')
    .description('put a backup back that "mandat backup" has made; what was there is kept aside')
    .argument('[dir]', 'the backup')
    .option('--yes', 'do not ask')
    .action(
      run(
        async (session, dir: string | undefined, { yes }: { yes?: boolean }) => {
          if (dir === undefined)
            throw new Failure('config', 'which backup is to be put back?', 'name its directory: mandat restore DIR');
          return restoreFrom(session, path.resolve(dir), yes);
        },
        [],
        'caller',
      ),
    );

  restore
    .command('accept')
    .description(
      'after an older delegation table was put back: obey it in full from now on, also where it gives access',
    )
    .option('--yes', 'do not ask')
    .action(
      run(async (session, _: unknown, command: Command) => {
        const { yes } = command.optsWithGlobals<{ yes?: boolean }>();
        const { out, writer, config } = session;
        const question =
          'Obey the restored table in full? Delegations that were revoked after that copy was made come back.';
        if (!(await confirmed(session, question, yes))) return EXIT.failed;
        if (config.database !== undefined) await acceptTrail(session);
        const was = await session.state(acceptRestored);
        if (was) await session.table(async (db) => markPending(db, await mailboxIds(db), writer.actor));
        out.result(
          { accepted: was },
          was ? 'accepted: the table is obeyed in full' : 'nothing to accept: the table is obeyed in full already',
        );
        return undefined;
      }),
    );
}

/** In PostgreSQL what is missing of the trail was put back with the table: its end is told anew, and that is noted in it. */
async function acceptTrail({ state, table, files, writer }: Session): Promise<void> {
  const key = existingSealKey(files.sealKey);
  rmSync(files.lastSeen, { force: true }); // what is there now counts, and is noted anew
  const ended = await state((db) => acceptShorterTrail(files, key, db));
  if (ended === undefined) return;
  await table((db) => noteEvent(db, writer, { action: 'restore', detail: { trailEndedBefore: ended } }));
}

async function restoreFrom(session: Session, directory: string, yes: boolean | undefined): Promise<ExitStatus> {
  const { files, config, out, writer } = session;
  refusePostgres(
    config,
    '"mandat restore DIR"',
    'put a dump back with pg_restore while no sidecar runs: docs/postgresql.md',
  );
  refuseOldPlaces(files);
  becomeOwnerOf(config, files);
  let release = existsSync(files.privateDirectory) ? await aloneOn(files) : undefined;
  let offered: Offered | undefined;
  try {
    offered = await offeredIn(files, directory);
    release ??= await aloneOn(files);
    const before = inPlaceNow(files);
    refuseOther(before, offered, files);
    if (before.there && !(await confirmed(session, question(session, offered, before), yes))) return EXIT.failed;
    const done = await putBack(files, offered, writer, new Date());
    const { manifest } = offered;
    out.result(
      { from: directory, taken: manifest.taken, ...done, aside: done.aside ?? null },
      told(session, offered, done),
    );
    const traceBroken = done.trace === 'put back' ? offered.traceBroken : null;
    if (done.trailBroken !== null) out.warn(`mandat: its audit trail is not proven: ${oneLine(done.trailBroken)}`);
    if (traceBroken !== null) out.warn(`mandat: its trace of access is not proven: ${oneLine(traceBroken)}`);
    return done.trailBroken === null && traceBroken === null ? EXIT.done : EXIT.failed;
  } finally {
    offered?.discard();
    release?.();
  }
}

function question({ files, config }: Session, { manifest }: Offered, { table, state }: InPlace): string {
  const time = shownTime(manifest.taken, config.policy.timezone);
  const now =
    table === undefined
      ? 'what is left of the data there'
      : `what is there now (${counted(table.delegations, 'delegation')}${state === undefined ? '' : `, an audit trail up to entry ${state.trailEnd}`})`;
  return `Put ${files.directory} back as it was ${time}? ${capital(now)} is kept aside.`;
}

function told({ config }: Session, { manifest, directory }: Offered, done: PutBack): string {
  const rows = manifest.files.find(({ name }) => name === 'delegation.db')?.database?.rows ?? {};
  const trail = done.proven === null ? '' : `; its audit trail was proven: ${counted(done.proven, 'entry', 'entries')}`;
  return [
    `restored from ${directory}, as it was ${shownTime(manifest.taken, config.policy.timezone)}: ${counted(rows.delegations ?? 0, 'delegation')}${trail}`,
    ...(done.trace === null ? [] : [TRACE[done.trace]]),
    ...(done.aside === undefined ? [] : [`what was there lies in ${done.aside}`]),
    ...(done.ended === 0
      ? []
      : [`${counted(done.ended, 'delegation')} of it had been ended since, as what was there knew: not given again`]),
    'until "mandat restore accept" the table is obeyed where it takes away, and not where it gives: start the sidecar, look at "mandat list", then accept it',
    "entries on the servers that are like mandat's own, and that no row gives, go with the first look at each mailbox",
  ].join('\n');
}

const TRACE: Readonly<Record<NonNullable<PutBack['trace']>, string>> = {
  kept: "the trace of access was kept as it is: it goes on from the backup's",
  'put back': 'the trace of access is that of the backup',
  aside: 'the trace of access that was there could not be proven with this key, and lies aside; the backup has none',
};

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
