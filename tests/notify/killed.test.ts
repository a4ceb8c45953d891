/** The sidecar killed as a notice comes to its end, between what the outbox says of it and what the trail does: either has both, or neither. I5 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { enqueue, listNotices, type NewNotice } from '../../bridge/store/state/outbox.ts';
import { sealKey } from '../../bridge/store/trail/sealing.ts';
import { freshFiles, openState } from '../store/fresh.ts';
import { startSink } from './sink.ts';
import { DATA, SETTINGS } from './stored.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const file = (name: string) => JSON.stringify(pathToFileURL(path.join(ROOT, name)).href);

/** A postman as the sidecar has it, which kills itself before (`record`) or after (`entry`) the trail is told, or ends once nothing is due. */
const program = (kills: 'record' | 'entry' | 'never', port: number, state: string, key: string) => `
  import { openPostman } from ${file('bridge/notify/postman.ts')};
  import { openStateDb } from ${file('bridge/store/state/state-db.ts')};
  import { nextDueNotice } from ${file('bridge/store/state/outbox.ts')};
  import { append, appendAudit, ownEntry, sealKey } from ${file('bridge/store/trail/sealing.ts')};
  const state = openStateDb(${JSON.stringify(state)});
  const key = sealKey(${JSON.stringify(key)});
  const now = () => new Date().toISOString();
  const nothing = () => {};
  const postman = openPostman({
    config: {
      notices: { host: '127.0.0.1', port: ${port}, tls: 'none', ...${JSON.stringify(SETTINGS)} },
      policy: { timezone: 'UTC' },
      schedule: { pollIntervalMs: 1000 },
    },
    env: {}, state, now, log: { info: nothing, warn: nothing, error: console.error, debug: nothing },
    audit: async (lines, within) => {
      if (${JSON.stringify(kills)} === 'record') process.kill(process.pid, 'SIGKILL');
      const entries = lines.map((line) => ownEntry(now(), line));
      await (within === undefined ? appendAudit(state, key, entries) : append(within, key, entries));
      if (${JSON.stringify(kills)} === 'entry') process.kill(process.pid, 'SIGKILL');
    },
  });
  const ended = async () => (await state.query.selectFrom('outbox').select('id').where('state', 'in', ['waiting', 'sending']).execute()).length === 0;
  while (!(await ended())) await new Promise((next) => setTimeout(next, 20));
  await postman.stop();
  await state.close();
`;

const run = async (text: string): Promise<readonly [status: number | null, signal: string | null]> => {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', '--no-deprecation', '--input-type=module', '--eval', text],
    { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const [status, signal] = await once(child, 'exit');
  return [status, signal];
};

const NOTICE: NewNotice = {
  event: 'grant 17 2026-11-25T03:05:00.000Z',
  kind: 'grant',
  part: 'owner',
  subject: DATA.mailbox,
  mailbox: DATA.mailbox,
  recipient: DATA.mailbox,
  language: 'fr',
  data: DATA,
};

for (const [what, answer, state, action] of [
  ['taken', 'taken', 'sent', 'notice-sent'],
  ['refused for good', 550, 'failed', 'notice-failed'],
] as const)
  t.test(`killed as a notice is ${what}`, async (t) => {
    const files = freshFiles(t);
    sealKey(files.sealKey);
    const sink = await startSink(() => answer);
    t.teardown(() => sink.close());
    const looks = openState(t, files);
    await looks.write((query) => enqueue({ query }, [NOTICE], new Date().toISOString(), 'example.org'));
    const both = async () => [
      (await listNotices(looks)).map((one) => one.state),
      (await looks.query.selectFrom('audit').select('action').execute()).map((one) => one.action),
    ];
    for (const kills of ['record', 'entry'] as const) {
      t.strictSame(await run(program(kills, sink.port, files.state, files.sealKey)), [null, 'SIGKILL']);
      t.strictSame(await both(), [['sending'], []], `${kills}: nothing is said of what is not whole`);
    }
    t.strictSame(await run(program('never', sink.port, files.state, files.sealKey)), [0, null]);
    t.strictSame(await both(), [[state], [action]], 'and then both, once');
    t.equal(new Set(sink.mails.map(({ parsed }) => parsed.messageId)).size, 1, 'each time the same message');
  });
