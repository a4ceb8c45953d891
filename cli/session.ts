/** What every command has at hand: the options before the command, and who acts on the site (bridge/acting/site.ts). */

import { type Acting, actingAs, openSite } from '../bridge/acting/site.ts';
import { refuseHalfRestored } from '../bridge/backup/unfinished.ts';
import { holdFiles } from '../bridge/shared/given-file.ts';
import { becomeForGood, isAnother } from '../bridge/shared/unix-user.ts';
import { type DataFiles, SHARED_GROUP } from '../bridge/store/files/data-files.ts';
import { dataOwner, makeRuntimeDirectory, refuseUnsafePlaces } from '../bridge/store/files/directories.ts';
import { refuseHalfCopied } from '../bridge/store/files/half-copied.ts';
import { refuseOldPlaces } from '../bridge/store/files/old-layout.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { keyboard, readActor } from './actor.ts';
import type { Output } from './output.ts';

export interface Session extends Acting {
  readonly out: Output;
  /** What a session of the caller's ({@link openSession}) does before it touches a file of ours. */
  becomeOwner(): void;
}

/**
 * `caller`: who typed it stays who they are, for what touches no file of ours, or sees to that by itself. `owner`: root becomes the owner of the
 * data, and fails `config` where somebody else could have put something in the place of what is ours. `given`: files that the user named.
 */
export function openSession(
  out: Output,
  options: { readonly config?: string | undefined; readonly as?: string | undefined },
  { acting = 'owner', given = [] }: { readonly acting?: 'owner' | 'caller'; readonly given?: readonly string[] } = {},
): Session {
  const config = loadConfig({ path: options.config, env: process.env, cwd: process.cwd() });
  const site = openSite(config, out.warn);
  const { files, identity } = site;
  const actor = readActor(options.as, identity);
  const via = actor.kind === 'admin' && actor.name === keyboard() ? undefined : keyboard();
  const becomeOwner = () => {
    refuseOldPlaces(files);
    refuseUnsafePlaces(files);
    refuseHalfRestored(files);
    if (config.database === undefined) refuseHalfCopied(files);
    if (isAnother(dataOwner(files))) holdFiles(given);
    becomeOwnerOf(config, files);
  };
  if (acting === 'owner') becomeOwner();
  return { ...actingAs(site, actor, via), out, becomeOwner };
}

/** The place for the sockets may be in a directory of root's (/run), and after a restart of the machine it is gone. */
export function becomeOwnerOf(config: Config, files: DataFiles): void {
  const owner = dataOwner(files);
  if (owner === undefined) return;
  makeRuntimeDirectory(config.runtimeDir, owner);
  becomeForGood(owner, groupsFor(config));
}

/** Beside the owner's own: that of the table, and that of the SMTP server. */
export function groupsFor({ senderRules, submission, portal }: Config): readonly string[] {
  const smtp = (senderRules ?? submission) ? [senderRules?.group ?? 'postfix'] : [];
  const proxy = portal?.listen.startsWith('/') ? [portal.group] : [];
  return [SHARED_GROUP, ...smtp, ...proxy];
}
