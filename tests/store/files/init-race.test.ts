import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { sealKey } from '../../../bridge/store/trail/sealing.ts';
import { openState, openTable } from '../fresh.ts';

const INITIALISER = fileURLToPath(new URL('initialiser.ts', import.meta.url));

t.test('several inits at the same time: one makes the databases and the key, the others find them', async (t) => {
  for (let round = 1; round <= 3; round++) {
    await t.test(`round ${round}`, async (t) => {
      const files = dataFiles(t.testdir({}));
      const children = await Promise.all(Array.from({ length: 4 }, () => initialiser(files.directory)));
      const ends = children.map(({ ended }) => ended);
      for (const { go } of children) go();
      const said = await Promise.all(ends);
      t.same(
        said.map(({ complaint }) => complaint),
        ['', '', '', ''],
        'none of them fails',
      );
      const key = sealKey(files.sealKey).toString('hex');
      t.same(
        said.map((one) => one.key),
        [key, key, key, key],
        'there is one key',
      );
      t.same(
        [files.tableDirectory, files.privateDirectory]
          .flatMap((one) => readdirSync(one))
          .filter((name) => !/-(wal|shm)$/.test(name)),
        ['delegation.db', 'seal.head', 'seal.key', 'state.db'],
        'and nothing beside them',
      );
      await openTable(t, files).query.selectFrom('counters').selectAll().executeTakeFirstOrThrow();
      await openState(t, files).query.selectFrom('facts').selectAll().execute();
    });
  }
});

interface Said {
  readonly key: string;
  readonly complaint: string;
}

/** A process that is ready to init, waits for the word, and says what went wrong. */
async function initialiser(directory: string): Promise<{ go(): void; ended: Promise<Said> }> {
  const child = spawn(process.execPath, ['--import=tsx', INITIALISER, directory], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const closed = once(child, 'close');
  child.stdout.setEncoding('utf8');
  await once(child.stdout, 'data'); // it is ready
  let key = '';
  child.stdout.on('data', (text: string) => {
    key += text;
  });
  return { go: () => child.stdin.end('go\n'), ended: closed.then(() => ({ key: key.trim(), complaint })) };
}
