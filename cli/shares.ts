import type { Command } from 'commander';
import type { Logger } from 'pino';
import { Failure } from '../bridge/shared/failure.ts';
import { streamGiven } from '../bridge/shared/given-file.ts';
import type { SocketPlace } from '../bridge/shared/unix-socket.ts';
import { type DictTrouble, startDictServer } from '../bridge/shares/dict-server.ts';
import { sharesInFile } from '../bridge/shares/file-dict.ts';
import { handedSocket } from '../bridge/shares/handed-socket.ts';
import { openShareStore } from '../bridge/shares/share-store.ts';
import { groupId } from '../bridge/store/databases.ts';
import { explained } from '../bridge/store/files/open.ts';
import type { Config } from '../config/schema.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { openLog } from './log.ts';
import { counted } from './output.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { keepHeapSmall } from './small-heap.ts';

export function sharesCommand(program: Command, run: Runner): void {
  const shares = program
    .command('shares')
    .description('who shares with whom, for a Dovecot with thousands of delegations: [shares]');
  shares
    .command('serve')
    .description(
      'answer Dovecot, in the foreground, as mandat-shares.service does; it needs no sidecar, and none needs it',
    )
    .action(run((session: Session) => serving(session)));
  shares
    .command('import')
    .description("take over what Dovecot's own file has (acl_shared_dict = file:FILE); what is there stays")
    .argument('<file>', 'that file, such as /var/lib/dovecot/mandat/shared-mailboxes.db')
    .action(run((session: Session, file: string) => importing(session, file)));
}

/** One that hangs is ended by systemd: it asks no more than that the event loop turns. */
const SERVING = { alive: () => [], line: () => 'answering Dovecot' };

async function serving({ config, files }: Session): Promise<ExitStatus> {
  const { shares } = config;
  if (shares === undefined)
    throw new Failure('config', 'no section [shares] is configured', 'docs/scale.md says when to use it, and how');
  keepHeapSmall();
  const { openSupervisor } = await import('../bridge/health/supervisor.ts');
  const log = openLog(config.log.level);
  const fd = handedSocket(process.env);
  const store = openShareStore(files.shares, (error) => log.error({ reason: reasonOf(error) }, UNWRITTEN));
  try {
    const server = await startDictServer({
      store,
      at: fd === undefined ? placeOf(shares) : { fd },
      told: (trouble) => tell(log, trouble),
    });
    const supervisor = openSupervisor(process.env, SERVING, log);
    log.info({ listen: fd === undefined ? shares.listen : 'as systemd has opened it' }, 'answering Dovecot');
    await supervisor.ready();
    await new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()).once('SIGINT', () => resolve()));
    await supervisor.stopping();
    await server.close();
    return EXIT.done;
  } finally {
    store.close();
  }
}

const UNWRITTEN = 'what Dovecot asked could not be done';

function tell(log: Logger, { kind, reason }: DictTrouble): void {
  if (kind === 'failed') log.error({ reason }, UNWRITTEN);
  else log.warn({ reason }, 'hung up on somebody who does not speak as Dovecot does');
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function placeOf({ listen: path, group }: NonNullable<Config['shares']>): SocketPlace {
  const gid = groupId(group);
  if (gid !== undefined) return { path, gid, mode: 0o660, setting: '[shares] listen' };
  throw new Failure('config', `there is no Unix group "${group}"`, "set [shares] group to that of the mail's user");
}

async function importing({ files, out }: Session, file: string): Promise<ExitStatus> {
  const store = openShareStore(files.shares, () => {});
  const before = store.count();
  let read = 0;
  try {
    for await (const portion of sharesInFile(file, streamGiven(file))) {
      store.commit(portion.map((share) => ({ share, there: true })));
      read += portion.length;
    }
    const added = store.count() - before;
    out.result({ read, added, shares: before + added }, `${counted(read, 'share')} read, ${added} of them new`);
    return EXIT.done;
  } catch (error) {
    throw explained(error, file, "Dovecot's file");
  } finally {
    store.close();
  }
}
