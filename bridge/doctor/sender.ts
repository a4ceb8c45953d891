/** The sender map as a file: modes, WAL, table, and whether Postfix's user can read it. An error in a lookup stops smtpd, for everybody. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { SenderRule } from '../../acl/desired.ts';
import { publishesAs } from '../sender/configured-outputs.ts';
import { Failure } from '../shared/failure.ts';
import { runTool } from '../shared/run-tool.ts';
import { groupId } from '../store/databases.ts';
import { explained } from '../store/files/open.ts';
import { SENDER_FILE } from '../store/published/sender-map.ts';
import { type Subject, traceless } from './examined-site.ts';
import { dataDirectory, POSTFIX } from './files.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import { barrier, may, modeOf, ownersOf, userNamed } from './permissions.ts';

const mapFile = ({ files }: Subject) => join(files.senderDirectory, SENDER_FILE);
const INIT = 'run "mandat init", which makes it and sets modes and group right';

export const NOT_CONFIGURED = '[sender_rules] is not configured';

export const senderRules: Check = {
  name: 'sender rules',
  needs: [],
  look: ({ config }) =>
    config.senderRules === undefined
      ? warn(`${NOT_CONFIGURED}: no delegate may send on behalf of an owner`, 'config/postfix/, and [sender_rules]')
      : ok(`${[config.senderRules.kind].flat().join(', ')}, for the Unix group ${config.senderRules.group}`),
};

export const senderFiles: Check = {
  name: 'sender map',
  needs: [senderRules, dataDirectory],
  look: (subject) => {
    if (subject.config.senderRules === undefined) return skipped(NOT_CONFIGURED);
    const { group } = subject.config.senderRules;
    // Where Postfix doesn't read it the map is ours alone, and every other output is made from it.
    const gid = publishesAs(subject.config, 'postfix-sqlite') ? groupId(group) : 'any';
    if (gid === undefined) {
      return fail(`there is no Unix group "${group}"`, '[sender_rules] group: the group that Postfix runs with');
    }
    const file = mapFile(subject);
    const wanted = [
      { path: subject.files.senderDirectory, mode: 0o2770 },
      ...[file, `${file}-wal`, `${file}-shm`].map((path) => ({ path, mode: 0o660 })),
    ];
    const wrong = wanted.flatMap(({ path, mode }) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined)
        return path === file || path === subject.files.senderDirectory ? [`${path} is not there`] : [];
      const good = gid === 'any' || ((stat.mode & 0o7777) === mode && stat.gid === gid);
      return good
        ? []
        : [`${path} has mode ${modeOf(stat)}, ${ownersOf(stat)}, not ${mode.toString(8)} and group ${group}`];
    });
    if (wrong.length > 0) return fail(wrong.join('; '), INIT);
    if (gid === 'any') return ok(`${file}, from which the other outputs are made`);
    return ok(`${file}, mode 660, its directory 2770, group ${group}`);
  },
};

/** Where a SQLite file's header says how it is written and read: 2 is WAL (file format, section 1.3.3). */
const VERSIONS_AT = 18;

export const senderWal: Check = {
  name: 'sender map WAL',
  needs: [senderFiles],
  look: (subject) => {
    const header = Buffer.alloc(20);
    const fd = openSync(mapFile(subject), 'r');
    const length = readSync(fd, header, 0, 20, 0);
    closeSync(fd);
    const wal = length === 20 && header[VERSIONS_AT] === 2 && header[VERSIONS_AT + 1] === 2;
    if (wal) return ok('the map is in WAL mode: lookups and publishing never wait for each other');
    return fail('the map is not in WAL mode: a lookup that meets a change would stop smtpd', INIT);
  },
};

export const senderTable: Check = {
  name: 'sender table',
  needs: [senderFiles],
  look: (subject) => {
    const { rules, mailboxes } = read(subject, (database) =>
      database.prepare('SELECT count(*) AS rules, count(DISTINCT mailbox) AS mailboxes FROM sender_login').get(),
    ) as { rules: number; mailboxes: number };
    const complaints = read(subject, (database) => database.prepare('PRAGMA quick_check(1)').pluck().all()) as string[];
    if (complaints[0] !== 'ok') {
      return fail(
        `the map is damaged: ${complaints[0]}`,
        'remove it and its -wal and -shm, "mandat init", "mandat sync"',
      );
    }
    return ok(`rules ${rules}, mailboxes ${mailboxes}`);
  },
};

/** One who sends with an address that isn't their own login comes first: that is what only the map can tell. */
export function someRule(subject: Subject): SenderRule | undefined {
  return read(subject, (database) =>
    database.prepare('SELECT address, login FROM sender_login ORDER BY address = login LIMIT 1').get(),
  ) as SenderRule | undefined;
}

function read(subject: Subject, work: (database: Database.Database) => unknown): unknown {
  const file = mapFile(subject);
  try {
    const database = new Database(file, { fileMustExist: true, timeout: 5000, ...traceless(file) });
    try {
      return work(database);
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof Error && /no such (table|column)/.test(error.message)) {
      throw new Failure('config', `${file} has no table sender_login as Postfix asks for it`, INIT, { cause: error });
    }
    throw explained(error, file, 'the sender map');
  }
}

export const senderReadable: Check = {
  name: 'read by Postfix',
  needs: [senderTable],
  look: async (subject) => {
    if (!publishesAs(subject.config, 'postfix-sqlite'))
      return skipped('Postfix reads no SQLite map ([sender_rules] kind)');
    const user = userNamed(POSTFIX);
    if (user === undefined) return skipped(`there is no user ${POSTFIX} on this machine`);
    const file = mapFile(subject);
    const remedy = `${INIT}; user ${POSTFIX} must be able to pass through every directory above it`;
    if (process.getuid?.() === 0) {
      // Opened as Postfix opens it, for writing: where no sidecar runs, SQLite makes -wal and -shm, and removes them.
      const shell = ['sqlite3', '-bail', '-cmd', '.timeout 5000', file, 'SELECT count(*) FROM sender_login'];
      const answer = await runTool('setpriv', [`--reuid=${user.uid}`, `--regid=${POSTFIX}`, '--init-groups', ...shell]);
      const without = answer.missing || /sqlite3: No such file/.test(answer.said);
      if (!without && answer.status === 0) return ok(`user ${POSTFIX} reads it`);
      if (!without) return fail(`user ${POSTFIX} can't read ${file}: ${answer.complaint}`, remedy);
    }
    const closed = barrier(user, file);
    if (closed !== undefined) return fail(`user ${POSTFIX} can't pass through ${closed}`, remedy);
    const [map, directory] = [statSync(file), statSync(subject.files.senderDirectory)];
    const good = may(user, map, 'read') && may(user, map, 'write') && may(user, directory, 'write');
    return good
      ? ok(`user ${POSTFIX} may read it, by its modes`)
      : fail(`user ${POSTFIX} may not read and write ${file}, or not its directory`, remedy);
  },
};
