/** delegate credential and delegate sync: one by hand, many from the identity provider. R14. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { desk, must } from './desk.ts';

async function made(t: Test) {
  const here = await desk(t);
  await must(here.mandat('mailbox', 'add', 'alice@lab.test'));
  for (const name of ['bob', 'carol']) {
    await must(here.mandat('delegate', 'add', name));
    await must(here.mandat('grant', '--no-wait', 'alice@lab.test', name));
  }
  const until = async (name: string) =>
    ((await here.json('delegate', 'show', name)) as { credentialValidUntil: string | null }).credentialValidUntil;
  const why = async (name: string) =>
    ((await here.json('list', '--delegate', name)) as { why: string | null }[])[0]?.why;
  const file = (content: string) => {
    const name = path.join(here.directory, 'feed.csv');
    writeFileSync(name, content);
    return name;
  };
  return { ...here, until, why, file };
}

t.test('one', async (t) => {
  const { mandat, json, until, why } = await made(t);
  t.match(await mandat('delegate', 'credential', 'bob', '--valid-until', '2030-07-14', '--no-wait'), {
    status: 0,
    stdout: /^bob: credential until 2030-07-14T23:59:59\+02:00, before: unknown\. No sidecar/,
  });
  t.equal(await until('bob'), '2030-07-14T21:59:59.999Z');
  t.match(await mandat('delegate', 'credential', 'bob', '--valid-until', '2030-07-14', '--no-wait'), {
    stdout: /^bob: as it was/,
  });
  t.match(await json('delegate', 'credential', 'bob', '--revoked', '--no-wait'), { delegate: 'bob', changed: true });
  t.match(await why('bob'), /credential has lapsed/);
  await must(mandat('delegate', 'credential', 'bob', '--valid-until', 'never', '--no-wait'));
  t.equal(await why('bob'), null, 'back, its row was never gone');
  for (const [args, says] of [
    [[], /either --valid-until or --revoked/],
    [['--revoked', '--valid-until', 'never'], /either/],
    [['--valid-until', '2030-02-30'], /no such day/],
    [['--valid-until', '2030-02-03T10:00'], /time zone is missing/],
  ] as const)
    t.match(await mandat('delegate', 'credential', 'bob', ...args), { status: 2, stderr: says }, args.join(' '));
  t.match(await mandat('delegate', 'credential', 'nobody', '--revoked'), {
    status: 4,
    stderr: /no such delegate: nobody/,
  });
});

t.test('many: all or nothing, and what would change', async (t) => {
  const { mandat, json, until, why, file } = await made(t);
  const feed = file('identifier,valid_until\nbob,2030-07-14\ncarol,2020-01-01T00:00Z\n');
  const dry = await must(mandat('delegate', 'sync', feed, '--dry-run'));
  t.match(
    dry.stdout,
    /^bob: credential until 2030-07-14T.*\ncarol: credential until 2020-01-01T01:00:00\+01:00, before: unknown\n2 credentials of 2 would change\n$/,
  );
  t.equal(await until('bob'), null, 'nothing was written');
  t.match(
    (await must(mandat('delegate', 'sync', feed, '--no-wait'))).stdout,
    /2 credentials of 2 changed\. No sidecar/,
  );
  t.equal(await why('bob'), null);
  t.match(await why('carol'), /lapsed/);
  t.match(await json('delegate', 'sync', feed), { delegates: 2, differences: [], dryRun: false }, 'the same again');
  const bad: readonly (readonly [content: string, status: number, says: RegExp])[] = [
    ['identifier,valid_until\nbob,never\nnobody,never\n', 4, /no such delegate: nobody; nothing was written/],
    [
      'identifier,valid_until\nbob,never\ncarol,tomorrow\nbob,never\n',
      2,
      /2 mistakes.*\n.*line 3: .*tomorrow.*\n.*line 4: the same delegate stands in line 2/,
    ],
    ['identifier\nbob\n', 2, /"valid_until" is missing/],
    ['identifier,valid_until\n', 2, /holds no delegate/],
  ];
  for (const [content, status, says] of bad)
    t.match(await mandat('delegate', 'sync', file(content)), { status, stderr: says });
  t.equal(await until('bob'), '2030-07-14T21:59:59.999Z', 'none of them wrote anything');
});
