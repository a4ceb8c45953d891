/**
 * What a sidecar does with sender rules, and nothing else, as a program that can be ended and killed: the outputs of a configuration
 * file. Reads `[mailbox, rules]` as JSON lines and answers each with `done`, or with what kept an output from it.
 */
import { createInterface } from 'node:readline';
import { openSenders, socketmapOf } from '../../bridge/sender/configured-outputs.ts';
import { startSocketmap } from '../../bridge/sender/socketmap.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { makeRuntimeDirectory } from '../../bridge/store/files/directories.ts';
import { loadConfig } from '../../config/load.ts';

async function main(): Promise<void> {
  const [file = ''] = process.argv.slice(2);
  const config = loadConfig({ path: file, env: {}, cwd: '/' });
  const files = dataFiles(config.dataDir);
  const say = (failures: readonly Error[]) =>
    process.stdout.write(`${failures.length === 0 ? 'done' : failures.map(({ message }) => message).join('; ')}\n`);
  const senders = openSenders(config, files, say);
  if (senders === undefined) throw new Error('no [sender_rules]');
  makeRuntimeDirectory(config.runtimeDir, { uid: 0, gid: 0 });
  const socketmap = socketmapOf(config, files);
  const answering = socketmap === undefined ? undefined : await startSocketmap(socketmap);
  say(await senders.settle());
  for await (const line of createInterface({ input: process.stdin })) {
    const [mailbox, rules] = JSON.parse(line);
    const { failed = [] } = await senders.publish(mailbox, rules);
    say(failed);
  }
  await answering?.close();
  senders.close();
}

void main();
