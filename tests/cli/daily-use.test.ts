/** What administrators do every day, and what they read: small things that cost them time. */
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { builtMandat } from './built.ts';
import { ran } from './commands.ts';
import { desk, must } from './desk.ts';

const PEOPLE = `INSERT INTO mailbox (address) VALUES ('alice@lab.test');
  INSERT INTO delegate (id, login, first_name, last_name) VALUES ('810101026994', 'bob@lab.test', 'Bob', 'Martin');`;

t.test('a file may name people by their logins; the same person twice is one too many', async (t) => {
  const { mandat, json, sql, directory } = await desk(t);
  sql(PEOPLE);
  const file = path.join(directory, 'rows.csv');
  const write = async (...lines: readonly string[]) => {
    const { writeFile } = await import('node:fs/promises');
    await writeFile(file, `mailbox,delegate\n${lines.join('\n')}\n`);
  };
  await write('alice@lab.test,bob@lab.test', 'alice@lab.test,810101026994');
  t.match(await mandat('grant', '--from', file), { status: 2, stderr: /line 3: the same pair stands in line 2/ });
  t.same(await json('list'), [], 'nothing was written');
  await write('alice@lab.test,bob@lab.test');
  await must(mandat('grant', '--from', file, '--no-wait'));
  t.match(await json('list'), [{ identifier: '810101026994', login: 'bob@lab.test' }]);
});

t.test('who shows people as they are called; times are taken back as they were shown', async (t) => {
  const { mandat, json, sql } = await desk(t);
  sql(
    `${PEOPLE} INSERT INTO delegation (mailbox, delegate, created_at) VALUES ('alice@lab.test', '810101026994', '2026-07-01T10:00:00.000Z')`,
  );
  const { stdout } = await must(mandat('who', 'alice@lab.test'));
  t.match(
    stdout,
    /^DELEGATE +NAME +LOGIN +DELEGATED SINCE +ACCESS SINCE +MAY SEND AS\n810101026994 +Bob Martin +bob@lab\.test +2026-07-01T12:00:00\+02:00 /,
  );
  t.match(await json('who', 'alice@lab.test'), {
    access: [{ login: 'bob@lab.test', firstName: 'Bob', lastName: 'Martin' }],
  });
  t.match(await json('what', 'bob@lab.test'), { delegate: '810101026994', access: [{ mailbox: 'alice@lab.test' }] });
  t.match(await mandat('audit', '--since', '2026-07-01T12:00:00+02:00'), { status: 0 });
});

t.test('aliases are listed, of one mailbox and of all', async (t) => {
  const { mandat, json, sql } = await desk(t);
  sql(`${PEOPLE} INSERT INTO mailbox (address) VALUES ('carol@lab.test')`);
  t.match(await mandat('mailbox', 'alias', 'list'), { status: 0, stdout: 'no aliases\n' });
  await must(mandat('mailbox', 'alias', 'add', 'alice@lab.test', 'dr.alice@lab.test'));
  await must(mandat('mailbox', 'alias', 'add', 'carol@lab.test', 'c@lab.test'));
  t.equal(
    (await must(mandat('mailbox', 'alias', 'list', 'alice@lab.test'))).stdout,
    'MAILBOX         ALIAS\nalice@lab.test  dr.alice@lab.test\n',
  );
  t.equal(((await json('mailbox', 'alias', 'list')) as unknown[]).length, 2);
  t.match(await mandat('mailbox', 'alias', 'list', 'nobody@lab.test'), { status: 4 });
});

t.test('what reads the trail may stop reading', async (t) => {
  const { directory, configFile } = await desk(t);
  const state = new Database(path.join(directory, 'data/private/state.db'));
  const insert = state.prepare(
    "INSERT INTO audit (at, actor, action, detail, seal) VALUES ('2026-01-01T00:00:00.000Z', 'sql', 'grant', ?, '')",
  );
  state.transaction(() => {
    for (let at = 0; at < 3000; at++) insert.run(JSON.stringify({ note: 'x'.repeat(200) }));
  })();
  state.close();
  const argv = (await builtMandat()).map((word) => `'${word}'`).join(' ');
  const line = (words: string, reader: string) => [
    'bash',
    '-c',
    `set -o pipefail; ${argv} --config '${configFile}' ${words} | ${reader}`,
  ];
  for (const words of ['audit export', 'audit export --format csv', 'audit --limit 3000']) {
    const { status, stderr, stdout } = await ran(line(words, 'head -1'));
    t.same({ status, stderr, lines: stdout.split('\n').length }, { status: 0, stderr: '', lines: 2 }, words);
  }
});
