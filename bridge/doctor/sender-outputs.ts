/** The outputs beside the map: that each says what is published, and that whoever reads it can. */
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname } from 'node:path';
import { ruleFileOf, socketmapOf } from '../sender/configured-outputs.ts';
import { pack, unpack } from '../sender/netstring.ts';
import { MAP_NAME } from '../sender/socketmap-answer.ts';
import { type RuleFile, textOf } from '../sender/text-file.ts';
import { asRoot } from '../shared/unix-user.ts';
import { dataOwner } from '../store/files/directories.ts';
import { openSenderMap } from '../store/published/sender-map.ts';
import { type Check, type Finding, fail, ok, skipped } from './finding.ts';
import { barrier, may, modeOf, ownersOf } from './permissions.ts';
import { senderTable, someRule } from './sender.ts';

const WAIT_MS = 5000;
const SYNC = 'start "mandat run", or "mandat sync" once';

/** Never a directory opened that holds secrets. */
const OWN_PLACE =
  'give the file a directory of its own, which mandat may write and the group of the server may enter: [sender_rules] file_path, and ReadWritePaths= in the unit';

/** What keeps whoever runs the sidecar from bringing the file up to date; undefined for root, whom nothing keeps. */
export function keptFrom(
  owner: { readonly uid: number; readonly gid: number } | undefined,
  { path, gid, reload }: Pick<RuleFile, 'path' | 'gid' | 'reload'>,
): Finding | undefined {
  if (owner === undefined || owner.uid === 0) return undefined;
  const user = { name: `user ${owner.uid}`, uid: owner.uid, gids: new Set([owner.gid, gid]) };
  const place = dirname(path);
  const stat = asRoot(() => statSync(place, { throwIfNoEntry: false }));
  if (stat === undefined) return fail(`${place}, where ${path} is to stand, is not there`, OWN_PLACE);
  const closed = barrier(user, path);
  if (closed !== undefined || !may(user, stat, 'write')) {
    return fail(
      `${user.name}, who runs mandat, may not write in ${closed ?? place}, and ${path} is made anew at each change`,
      OWN_PLACE,
    );
  }
  if (/^(?:postfix|postmulti)$/.test(basename(reload?.[0] ?? ''))) {
    return fail(
      `[sender_rules] file_reload runs ${reload?.[0]}, which obeys root alone, and mandat runs as ${user.name}: no change reaches Postfix`,
      'kind = "socketmap" (config/postfix/socketmap.cf.fragment) or "postfix-sqlite", which need no reload; or run the sidecar as root',
    );
  }
  return undefined;
}

export const senderFile: Check = {
  name: 'sender file',
  needs: [senderTable],
  look: ({ config, files }) => {
    const file = ruleFileOf(config);
    if (file === undefined) return skipped('no file is published ([sender_rules] kind)');
    const kept = keptFrom(dataOwner(files), file);
    if (kept !== undefined) return kept;
    const stat = statSync(file.path, { throwIfNoEntry: false });
    if (stat === undefined) return fail(`${file.path} is not there`, `"mandat init", and ${SYNC}`);
    // Whoever runs the server, it is by its group that it reads the file.
    const server = { name: 'the SMTP server', uid: -1, gids: new Set([file.gid]) };
    const closed = barrier(server, file.path);
    if (closed !== undefined) return fail(`its group can't pass through ${closed}`, OWN_PLACE);
    if (!may(server, stat, 'read')) {
      return fail(`${file.path} has mode ${modeOf(stat)}, ${ownersOf(stat)}: the SMTP server can't read it`, SYNC);
    }
    if ((stat.mode & 0o022) !== 0) return fail(`others may write ${file.path} (mode ${modeOf(stat)})`, SYNC);
    if (file.logins !== undefined && !existsSync(file.logins)) {
      return fail(`${file.logins} is not there: who is new could not send`, 'see [sender_rules] file_logins');
    }
    const map = openSenderMap(files.senderDirectory, { readonly: true });
    try {
      if (textOf(file, map).text !== readFileSync(file.path, 'utf8')) {
        return fail(`${file.path} does not say what is published`, `${SYNC}; the log says what keeps it from it`);
      }
    } finally {
      map.close();
    }
    return ok(`${file.path}, for ${file.format}, as published`);
  },
};

export const socketmap: Check = {
  name: 'socketmap',
  needs: [senderTable],
  look: async (subject) => {
    const { config, files } = subject;
    const options = socketmapOf(config, files);
    if (options === undefined) return skipped('Postfix asks no socketmap ([sender_rules] kind)');
    const { path, gid } = options.place;
    const rule = someRule(subject);
    const reply = await asked(path, `${MAP_NAME} ${rule?.address ?? ''}`);
    if (reply === undefined) {
      return fail(`nobody answers on ${path}: Postfix defers all submitted mail`, 'start "mandat run"');
    }
    const closed = barrier({ name: 'Postfix', uid: -1, gids: new Set([gid]) }, path);
    if (closed !== undefined) return fail(`Postfix's group can't pass through ${closed}`, `chmod o+x ${closed}`);
    if (!may({ name: 'Postfix', uid: -1, gids: new Set([gid]) }, statSync(path), 'write')) {
      return fail(`${path} has mode ${modeOf(statSync(path))}: Postfix may not ask`, 'restart the sidecar');
    }
    const logins = /^OK (.*)$/.exec(reply)?.[1]?.split(',') ?? [];
    if (!/^(OK|NOTFOUND) /.test(reply) || (rule !== undefined && !logins.includes(rule.login))) {
      return fail(
        `asked for ${rule?.address ?? 'nothing'}, it says ${reply}`,
        'restart the sidecar; its log says more',
      );
    }
    return ok(`it answers on ${path}; while no sidecar runs, Postfix defers all submitted mail`);
  },
};

/** Undefined where nobody answers in time. */
async function asked(path: string, request: string): Promise<string | undefined> {
  const client = connect({ path });
  client.setTimeout(WAIT_MS, () => client.destroy());
  try {
    await once(client, 'connect');
    client.write(pack(request));
    const [bytes] = await Promise.race([once(client, 'data'), once(client, 'close')]);
    return bytes instanceof Buffer ? unpack(bytes).requests[0] : undefined;
  } catch {
    return undefined;
  } finally {
    client.destroy();
  }
}
