/** The sender rules' outputs as the configuration names them. */
import { existsSync } from 'node:fs';
import type { Config, SenderKind } from '../../config/schema.ts';
import { Failure } from '../shared/failure.ts';
import { groupId } from '../store/databases.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { sharedRules } from '../store/postgres/sender-rules.ts';
import { openSenderMap, type PublishedMap, prepareSenderMap } from '../store/published/sender-map.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { type OnBehind, type SenderOutput, type Senders, senders } from './outputs.ts';
import { noPostgresRules, postgresRules } from './postgres-rules.ts';
import type { SocketmapOptions } from './socketmap.ts';
import { type RuleFile, ruleFile } from './text-file.ts';

type Configured = NonNullable<Config['senderRules']>;

export function publishesAs({ senderRules }: Config, kind: SenderKind): boolean {
  return senderRules !== undefined && [senderRules.kind].flat().includes(kind);
}

/**
 * The map: what is published, whichever output it goes to. Undefined without `[sender_rules]`. Makes it when it isn't there; for
 * Postfix to read only where Postfix reads it.
 */
export function senderMap(config: Config, files: DataFiles): PublishedMap | undefined {
  const { senderRules } = config;
  if (senderRules === undefined) return undefined;
  const gid = publishesAs(config, 'postfix-sqlite') ? gidOf(senderRules.group, 'group') : undefined;
  prepareSenderMap(files.senderDirectory, gid);
  return openSenderMap(files.senderDirectory);
}

/** The map, and what follows it; {@link senders}. `state`: where an output is in PostgreSQL, it is written through it. */
export function openSenders(
  config: Config,
  files: DataFiles,
  onBehind: OnBehind,
  state?: Pick<StateDb, 'query' | 'write'>,
): Senders | undefined {
  const map = senderMap(config, files);
  if (map === undefined) return undefined;
  try {
    const file = ruleFileOf(config);
    const outputs = [...postgresOutput(config, map, state), ...(file === undefined ? [] : [ruleFile(file)])];
    return senders(map, outputs, onBehind);
  } catch (error) {
    map.close();
    throw error;
  }
}

function postgresOutput(
  config: Config,
  map: PublishedMap,
  state: Pick<StateDb, 'query' | 'write'> | undefined,
): readonly SenderOutput[] {
  if (config.database === undefined || state === undefined) return [];
  const shared = sharedRules(state, config.server.name);
  return [publishesAs(config, 'postfix-pgsql') ? postgresRules(map, shared) : noPostgresRules(shared)];
}

/** The file, where it isn't there yet and its reader would not start without it. Returns its path if it was made. */
export async function makeRuleFile(config: Config, map: PublishedMap): Promise<string | undefined> {
  const file = ruleFileOf(config);
  if (file === undefined || existsSync(file.path)) return undefined;
  await ruleFile({ ...file, reload: undefined }).follow(map);
  return file.path;
}

/** Undefined where `kind` has no "file". */
export function ruleFileOf(config: Config): RuleFile | undefined {
  const { senderRules } = config;
  if (senderRules?.fileFormat === undefined || !publishesAs(config, 'file')) return undefined;
  const { filePath: path, fileFormat: format, fileMode, fileReload: reload, fileLogins: logins } = senderRules;
  return { path, format, gid: fileGid(senderRules), mode: Number.parseInt(fileMode, 8), reload, logins };
}

const fileGid = ({ group, fileGroup }: Configured) =>
  fileGroup === undefined ? gidOf(group, 'group') : gidOf(fileGroup, 'file_group');

/** Undefined where `kind` has no "socketmap". */
export function socketmapOf(config: Config, files: DataFiles): SocketmapOptions | undefined {
  const { senderRules } = config;
  if (senderRules === undefined || !publishesAs(config, 'socketmap')) return undefined;
  const { socketmapPath: path, socketmapMode, socketmapIdentity: identity, group } = senderRules;
  const mode = Number.parseInt(socketmapMode, 8);
  const place = { path, gid: gidOf(group, 'group'), mode, setting: '[sender_rules] socketmap_path' };
  return { directory: files.senderDirectory, place, identity };
}

function gidOf(group: string, key: string): number {
  const gid = groupId(group);
  if (gid !== undefined) return gid;
  throw new Failure(
    'config',
    `there is no Unix group "${group}" on this machine`,
    `set [sender_rules] ${key} to the group that the SMTP server runs with`,
  );
}
