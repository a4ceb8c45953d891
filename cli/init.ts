import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { refuseHalfRestored } from '../bridge/backup/unfinished.ts';
import { makeStores, repairTable, shownDatabase, tableDifferences } from '../bridge/configured/stores.ts';
import { makeRuleFile, publishesAs, senderMap } from '../bridge/sender/configured-outputs.ts';
import { groupId } from '../bridge/store/databases.ts';
import { SHARED_GROUP } from '../bridge/store/files/data-files.ts';
import { refuseUnsafePlaces } from '../bridge/store/files/directories.ts';
import { refuseHalfCopied } from '../bridge/store/files/half-copied.ts';
import { moveOldPlaces } from '../bridge/store/files/old-layout.ts';
import { guarded } from '../bridge/store/files/open.ts';
import { impassable, SENDER_FILE, senderMapExists } from '../bridge/store/published/sender-map.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { describeDifferences, REPAIR_RULES, rulesChanged } from '../bridge/store/table/schema.ts';
import type { Config } from '../config/schema.ts';
import { EXIT } from './exit.ts';
import { prepareSeals, refuseLostState } from './init-seals.ts';
import { type Runner, sentence } from './runner.ts';
import { becomeOwnerOf } from './session.ts';

interface Options {
  readonly repairRules?: boolean;
  readonly newSealKey?: boolean;
}

export function initCommand(program: Command, run: Runner): void {
  program
    .command('init')
    .description('make the databases, or migrate them; never empties or replaces one')
    .option(
      '--repair-rules',
      'put the released triggers, views and indexes back into the delegation table; every row is kept',
    )
    .option(
      '--new-seal-key',
      'where the key or the state was lost for good: prune what can no longer be proven, and go on',
    )
    .action(
      run(
        async (session, { repairRules: repairs, newSealKey: renew = false }: Options) => {
          const { out, config, files, writer, table } = session;
          becomeOwnerOf(config, files);
          const moved = guarded(files.directory, { what: 'the data directory' }, () =>
            moveOldPlaces(files, groupId(SHARED_GROUP)),
          );
          refuseUnsafePlaces(files);
          refuseHalfRestored(files);
          if (config.database === undefined) refuseHalfCopied(files);
          const repaired = repairs ? await repairTable(config) : [];
          await refuseLostState(session, renew);
          const { made, roles } = await makeStores(config, renew ? 'sealed anew' : undefined);
          becomeOwnerOf(config, files); // of what has just been made
          const seals = await prepareSeals(session, renew);
          const before = senderMapExists(files.senderDirectory);
          const senders = senderMap(config, files);
          const ruleFile = senders === undefined ? undefined : await makeRuleFile(config, senders);
          senders?.close();
          const lines = [
            ...moved,
            ...made.map(({ file, what, from, to, rewritten }) => {
              const did =
                from === 0
                  ? 'made'
                  : from === to
                    ? `there already, version ${to}`
                    : `migrated from version ${from} to ${to}`;
              const anew = rewritten ? '; written anew, so that it gives back by itself what it no longer needs' : '';
              return `${file}: ${what}, ${did}${anew}`;
            }),
          ];
          lines.push(...seals, ...rolesLines(roles));
          if (moved.length > 0) lines.push(...socketsMoved(config));
          if (repaired.length > 0) {
            const place = (await shownDatabase(config)) ?? files.delegations;
            lines.push(`${place}: released rules put back: ${describeDifferences(repaired)}`);
            const detail = { differences: describeDifferences(repaired) };
            await table((db) => noteEvent(db, writer, { action: 'rules-repaired', detail }));
          }
          const changed = repaired.length > 0 ? [] : await tableDifferences(config);
          let unreachable: readonly string[] = [];
          if (senders !== undefined) {
            const file = join(files.senderDirectory, SENDER_FILE);
            const forPostfix = publishesAs(config, 'postfix-sqlite');
            const what = forPostfix ? 'the sender map that Postfix reads' : 'the sender rules, as they are published';
            lines.push(`${file}: ${what}, ${before ? 'there already' : 'made'}`);
            if (ruleFile !== undefined) lines.push(`${ruleFile}: the same for another program, made`);
            if (forPostfix) unreachable = impassable(files.senderDirectory, statSync(file).gid);
          }
          const sender = senders === undefined ? null : files.senderDirectory;
          if (made.some(({ from }) => from === 0)) lines.push(...eventsOffered(config));
          out.result(
            { moved, files: made, roles: roles ?? null, sender, unreachable, repaired, rulesChanged: changed },
            lines.join('\n'),
          );
          if (changed.length > 0) {
            out.warn(sentence({ message: rulesChanged(changed), hint: REPAIR_RULES, rule: undefined }));
            return EXIT.failed;
          }
          for (const directory of unreachable) {
            const mode = (statSync(directory).mode & 0o7777).toString(8);
            out.warn(
              sentence({
                message: `group ${config.senderRules?.group} may not pass through ${directory} (mode ${mode}): where Postfix can't reach the map, it refuses all mail of users who have logged in`,
                hint: `chmod o+x ${directory}`,
                rule: undefined,
              }),
            );
          }
          return undefined;
        },
        [],
        'caller',
      ),
    );
}

/** Only Dovecot has them; which server it is nobody has looked at yet. */
function eventsOffered({ events, imap: { server } }: Config): readonly string[] {
  if (events !== undefined || !['auto', 'dovecot'].includes(server)) return [];
  return [
    'Dovecot can tell at once of folders that are made and of entries that anybody changes: [events], with config/dovecot/2.3/events.conf or config/dovecot/2.4/events.conf',
  ];
}

/** What Postfix has to be told after a move. */
function socketsMoved({ runtimeDir, submission, senderRules }: Config): readonly string[] {
  const used = submission !== undefined || [senderRules?.kind].flat().includes('socketmap');
  return used
    ? [
        `the sockets are in ${runtimeDir} now, where the configuration names no other place: in Postfix's too, see config/postfix/`,
      ]
    : [];
}

/** What else gets in, in PostgreSQL. */
function rolesLines(roles: Roles): readonly string[] {
  if (roles === undefined) return [];
  const made = roles.made.map((name) => `role ${name}: for other programs, made`);
  if (roles.missing.length === 0) return made;
  return [
    `no roles for other programs yet, since mandat's own may make none. As a superuser: ${roles.missing.join('; ')}; then "mandat init" again`,
  ];
}

type Roles = Awaited<ReturnType<typeof makeStores>>['roles'];
