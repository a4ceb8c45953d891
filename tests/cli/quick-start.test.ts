/** What the built program loads for what: most of a short command's time is loading. The times themselves: npm run bench -- --only start. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import t from 'tap';
import { COMMANDS } from '../../cli/commands.ts';
import { codePlace, loaderOf } from '../../cli/launch.ts';
import { type Outline, outlineOf, readOutline, sketch } from '../../cli/outline.ts';
import { buildProgram } from '../../cli/program.ts';
import { builtDirectory, NODE } from './built.ts';
import { ran } from './commands.ts';

/** The names of the program's files that a call with these arguments reads, and whether the native module is among what it loads. */
async function loadedBy(...args: string[]): Promise<readonly string[]> {
  const built = await builtDirectory();
  const script = `
    const fs = require('node:fs'), { readFileSync } = fs, path = require('node:path'), read = [];
    fs.readFileSync = (...all) => { read.push(String(all[0])); return readFileSync(...all); };
    require('node:module').syncBuiltinESMExports();
    process.on('exit', () => require('node:fs').writeSync(2, JSON.stringify(read.concat(Object.keys(require.cache)))));
    process.argv = [process.argv[0], ${JSON.stringify(path.join(built, 'cli/main.js'))}, ...${JSON.stringify(args)}];
    require(process.argv[1]);`;
  const { stderr } = await ran([...NODE, '--input-type=commonjs', '-e', script], {
    cwd: built,
    env: { MANDAT_CONFIG: '' },
  });
  return JSON.parse(stderr.slice(stderr.lastIndexOf('["')));
}

/** Words that stand in a library's code whatever it was bundled into. */
const LIBRARIES = {
  kysely: 'SelectQueryNode',
  zod: '$ZodString',
  imapflow: 'ImapFlow',
  luxon: 'FixedOffsetZone',
  nodemailer: 'SMTPConnection',
  pino: 'pino.opts',
} as const;

function librariesIn(files: readonly string[]): readonly string[] {
  const texts = files.filter((file) => /\/cli\/[^/]+\.js$/.test(file)).map((file) => readFileSync(file, 'utf8'));
  const bundled = Object.entries(LIBRARIES).filter(([, word]) => texts.some((text) => text.includes(word)));
  const native = files.some((file) => file.includes('better-sqlite3')) ? ['better-sqlite3'] : [];
  return [...bundled.map(([name]) => name), ...native];
}

t.test('what tells of the commands loads none of them', async (t) => {
  for (const args of [
    ['--version'],
    ['--help'],
    ['completion', 'bash'],
    ['man'],
    ['grant', '--help'],
    ['mailbox', 'alias', 'add', '--help'],
  ])
    t.same(librariesIn(await loadedBy(...args)), [], `mandat ${args.join(' ')}`);
});

t.test('a command loads what it needs, and this test sees it', async (t) => {
  const seen = librariesIn(await loadedBy('list'));
  for (const needed of ['kysely', 'zod', 'luxon', 'better-sqlite3']) t.ok(seen.includes(needed), `list: ${needed}`);
  for (const foreign of ['imapflow', 'nodemailer', 'pino']) t.notOk(seen.includes(foreign), `list: no ${foreign}`);
});

t.test('the outline says what the commands say', async (t) => {
  const whole = await buildProgram();
  const written: readonly Outline[] = JSON.parse(
    readFileSync(path.join(await builtDirectory(), 'cli/outline.json'), 'utf8'),
  );
  t.same(written, whole.commands.map(outlineOf), 'it is of these sources');
  t.equal(readOutline(), undefined, 'a checkout has none');
  const again = await buildProgram();
  (again.commands as Command[]).length = 0;
  for (const one of written) sketch(again, one, async () => {});
  const compare = (one: Command, other: Command | undefined, name: string) => {
    t.equal(other?.helpInformation(), one.helpInformation(), `${name} --help`);
    t.equal(handled(other), handled(one), `${name}: whether it can be called without a word below it`);
    for (const below of one.commands)
      compare(
        below,
        other?.commands.find((each) => each.name() === below.name()),
        `${name} ${below.name()}`,
      );
  };
  for (const one of whole.commands)
    compare(
      one,
      again.commands.find((each) => each.name() === one.name()),
      one.name(),
    );
});

t.test("what V8 made of it is taken by the Node that made it, and by none that doesn't know it", async (t) => {
  const directory = t.testdir({});
  const copy = path.join(directory, 'program');
  cpSync(await builtDirectory(), copy, { recursive: true, verbatimSymlinks: true });
  const [said, again] = [await precompiled(copy), await precompiled(copy)];
  t.match(said, { status: 0, stdout: /^kept what v\S+ makes of \d{2,} files\n$/, stderr: '' });
  t.equal(again.stdout, said.stdout, 'as often as one likes');
  const cli = path.join(copy, 'cli');
  const readBy = (directory: string) => {
    const { load, scripts } = loaderOf(directory);
    load('invoke.js');
    return [...scripts.values()].map(({ cachedDataRejected }) => cachedDataRejected);
  };
  t.ok(readBy(cli).length > 1);
  t.same(new Set(readBy(cli)), new Set([false]));
  const other = path.join(directory, 'damaged'); // under a name that this process hasn't compiled yet: V8 remembers what it has
  cpSync(copy, other, { recursive: true, verbatimSymlinks: true });
  const damaged = path.join(other, 'cli');
  const file = path.join(codePlace(damaged), 'invoke.js');
  writeFileSync(file, readFileSync(file).subarray(0, 100));
  t.ok(readBy(damaged).includes(true), 'what is damaged is left');
  t.match(await ran([...NODE, path.join(damaged, 'main.js'), '--version']), { status: 0, stderr: '' });
});

const precompiled = (built: string) => ran([...NODE, path.join(built, 'cli/precompile.js')]);

t.test("no messages of zod's in forty languages: they come with its `z` and not with its namespace", async (t) => {
  for (const room of ['bridge', 'cli', 'config'])
    for (const name of readdirSync(room, { recursive: true, encoding: 'utf8' }))
      if (name.endsWith('.ts'))
        t.notMatch(
          readFileSync(path.join(room, name), 'utf8'),
          /import \{[^}]*\bz\b[^}]*\} from 'zod'/,
          `${room}/${name}`,
        );
});

/** commander has no question for it. */
function handled(command: Command | undefined): boolean {
  return Boolean((command as unknown as { readonly _actionHandler?: unknown } | undefined)?._actionHandler);
}

t.test('each file of commands defines the words by which it is loaded', async (t) => {
  const all = (await buildProgram()).commands.map((command) => command.name());
  t.same(
    COMMANDS.flatMap(({ names }) => names),
    all,
  );
  for (const { names } of COMMANDS)
    for (const name of names)
      t.same(
        (await buildProgram(name)).commands.map((one) => one.name()),
        names,
      );
});
