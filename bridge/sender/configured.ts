/** The sender map as the configuration names it. */
import type { Config } from '../../config/schema.ts';
import { Failure } from '../failure.ts';
import { type DataFiles, groupId } from '../store/files.ts';
import { openSenderMap, type PublishedMap, prepareSenderMap } from './postfix-sqlite.ts';

/** Undefined without `[sender_rules]`. Makes the map when it isn't there. */
export function senderMap({ senderRules }: Config, files: DataFiles): PublishedMap | undefined {
  if (senderRules === undefined) return undefined;
  const gid = groupId(senderRules.group);
  if (gid === undefined) {
    throw new Failure(
      'config',
      `there is no Unix group "${senderRules.group}" on this machine`,
      'set [sender_rules] group to the group that Postfix runs with',
    );
  }
  prepareSenderMap(files.senderDirectory, gid);
  return openSenderMap(files.senderDirectory);
}
