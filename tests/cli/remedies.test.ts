/** No remedy is a dead end: every command that a message names is one that can be typed, and those of the conditions do what they say. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import t from 'tap';
import { buildProgram } from '../../cli/program.ts';
import { desk, must } from './desk.ts';

const ROOT = path.join(import.meta.dirname, '../..');

/** What stands for a name in a message, as somebody would fill it in. */
const FILLED: readonly (readonly [RegExp, string])[] = [
  [/\$\{mailbox\.slice[^}]*\}|\bDOMAIN\b/g, 'example.org'],
  [/\$\{published[^}]*\}/g, 'ORG'],
  [/\$\{(?:mailbox|address|at|change\.mailbox)\}|\b(?:MAILBOX|ADDRESS)\b/g, 'alice@example.org'],
  [/\$\{(?:identifier|id|typed)\}|\b(?:DELEGATE|NUMBER|ID)\b/g, '810101026994'],
  [/\$\{command\}/g, 'set-contact'],
  [/\$\{verb\}/g, 'grant'],
  [/\$\{server\}/g, 'mx1'],
  [/\$\{local\}/g, '1'],
  [/\$\{local\}/g, 'alice'],
  [/\$\{found\.login\}/g, 'bob'],
  [/\bDATE\b/g, '2030-01-01'],
  [/\b(?:FILE|DIR|CODE|LOGIN|VERSION|REASON|N)\b/g, '1'],
];

const filled = (text: string) => FILLED.reduce((so, [what, by]) => so.replace(what, by), text);

function sources(): readonly string[] {
  return ['acl', 'bridge', 'cli', 'config'].flatMap((room) =>
    readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !(room === 'config' && name.startsWith('lab')))
      .map((name) => path.join(room, name)),
  );
}

/** What commander says against these words; undefined where it would run them. Nothing runs. */
async function against(words: readonly string[]): Promise<string | undefined> {
  const program = await buildProgram();
  const quiet = (command: Command) => {
    command.configureOutput({ writeErr: () => {}, writeOut: () => {} });
    if (command.commands.length === 0 || command.registeredArguments.length > 0) command.action(() => {});
    command.commands.forEach(quiet);
  };
  quiet(program);
  try {
    await program.parseAsync(words, { from: 'user' });
    return undefined;
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    return code === 'commander.helpDisplayed' ? undefined : message;
  }
}

const whole = await buildProgram();

/** `"mandat grant"` in a sentence names a command; with anything behind it, it is to be typed. */
function isCommand(words: readonly string[]): boolean {
  let at: Command | undefined = whole;
  for (const word of words) at = at?.commands.find((command) => command.name() === word);
  return at !== undefined;
}

t.test('every command in a message can be typed', async (t) => {
  let seen = 0;
  for (const file of sources()) {
    for (const [, said = ''] of readFileSync(path.join(ROOT, file), 'utf8').matchAll(/"mandat ([^"\n]*)"/g)) {
      if (/COMMAND|escaped|\$\{version\}/.test(said)) continue; // the words of the help itself
      const words = filled(said).split(' ');
      seen++;
      if (!isCommand(words)) t.equal(await against(words), undefined, `${file}: mandat ${said}`);
    }
  }
  t.ok(seen > 60, `${seen} commands were found`);
});

const PAIR = ['alice@lab.test', 'bob@lab.test'] as const;

t.test('what a condition says to do makes it hold', async (t) => {
  const { mandat, json, sql, configFile } = await desk(t);
  await must(mandat('mailbox', 'add', PAIR[0]));
  await must(mandat('delegate', 'add', PAIR[1]));
  await must(mandat('grant', ...PAIR, '--no-wait'));
  const conditions = async () => {
    const [one] = (await json('explain', ...PAIR)) as {
      conditions: { why: string; holds: boolean; remedy: string }[];
    }[];
    return (one?.conditions ?? []).filter(({ holds }) => !holds);
  };
  const broken: readonly (readonly [why: string, sql: string])[] = [
    ['mailbox-not-eligible', `UPDATE mailbox SET eligible = 0`],
    ['mailbox-kind', `UPDATE mailbox SET kind = 'ORG'`],
    ['suspended', 'UPDATE delegation SET suspended = 1'],
    ['delegate-suspended', "UPDATE delegate SET state = 'suspended'"],
    ['credential-lapsed', "UPDATE delegate SET credential_valid_until = '2020-01-01T00:00:00.000Z'"],
    ['ended', "UPDATE delegation SET starts_at = '2019-01-01T00:00:00.000Z', ends_at = '2020-01-01T00:00:00.000Z'"],
  ];
  for (const [why, statement] of broken) {
    sql(statement);
    const [found] = await conditions();
    t.equal(found?.why, why);
    for (const [, said = ''] of (found?.remedy ?? '').matchAll(/"mandat ([^"]*)"/g)) {
      if (/FILE/.test(said)) continue;
      const words = filled(said).split(' ');
      await must(
        mandat(
          ...words,
          ...(words[0] === 'revoke' ? ['--yes'] : []),
          ...(/^(grant|revoke|resume|mailbox|domain|delegate)$/.test(words[0] ?? '') ? ['--no-wait'] : []),
        ),
      );
    }
    t.same(await conditions(), [], `${why}: ${found?.remedy}`);
  }
  t.ok(configFile);
});

t.test('whoever is unknown is added in the way that the site knows people by', async (t) => {
  const logins = await desk(t);
  t.match(await logins.mandat('delegate', 'show', 'dan@lab.test'), {
    status: 4,
    stderr: /no such delegate: dan@lab\.test[\s\S]*"mandat delegate add dan@lab\.test" adds them/,
  });
  const numbers = await desk(t, {
    config: 'data_dir = "data"\n[grant]\nacknowledge = false\n[imap]\nport = 1\ntls = "none"\n',
  });
  await must(numbers.mandat('mailbox', 'add', PAIR[0]));
  t.match(await numbers.mandat('grant', PAIR[0], 'dan@lab.test'), {
    status: 4,
    stderr: /"mandat delegate add NUMBER --login dan@lab\.test" adds them/,
  });
  t.match(await numbers.mandat('revoke', PAIR[0], '810101026994'), {
    status: 4,
    stderr: /"mandat delegate add 810101026994" adds them/,
  });
  await must(numbers.mandat('delegate', 'add', '810101026994', '--login', 'dan@lab.test'));
  t.match(await numbers.json('grant', PAIR[0], 'dan@lab.test', '--no-wait'), {
    delegate: '810101026994',
    missing: [{ sentence: /credential/, remedy: /"mandat delegate credential 810101026994 --valid-until DATE"/ }],
  });
  for (const words of [
    ['explain', PAIR[0]],
    ['what'],
    ['list', '--delegate'],
    ['delegate', 'show'],
    ['suspend', PAIR[0]],
    ['revoke', '--yes', PAIR[0]],
  ]) {
    const { stdout, status } = await numbers.mandat('--json', ...words, 'dan@lab.test');
    t.match(stdout, /810101026994/, `${words.join(' ')}: known by the login (${status})`);
  }
});
