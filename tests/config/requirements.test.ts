/** docs/requirements.md: a row for each requirement, and nothing named that isn't there. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import t from 'tap';
import { buildProgram } from '../../cli/program.ts';
import { schema } from '../../config/schema.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(ROOT, 'docs/requirements.md'), 'utf8');
const named = [...new Set([...page.matchAll(/`([^`]+)`/g)].map(([, inside = '']) => inside))];

t.test('R1 to R58, each once, with something to say', async (t) => {
  const rows = [...page.matchAll(/^\| (R\d+) \| (.+?) \| (.+) \|$/gm)];
  t.same(
    rows.map(([, number]) => number),
    Array.from({ length: 58 }, (_, at) => `R${at + 1}`),
  );
  for (const [, number = '', , met = ''] of rows)
    t.ok(/`/.test(met) || /^(the same|as R|mandat |see below)/.test(met), `${number} names where it is met`);
  for (const [, number = '', , met = ''] of rows)
    if (met === 'see below') t.match(page, new RegExp(`^\\*\\*${number}:`, 'm'), `${number} is told of below`);
});

t.test('every file that it names is there', async (t) => {
  const files = named.filter((one) => /^(acl|bridge|cli|config|docs|tests)\/[\w./-]+$/.test(one));
  t.ok(files.length > 50);
  t.same(
    files.filter((file) => !existsSync(path.join(ROOT, file))),
    [],
  );
});

t.test('every command and every setting too', async (t) => {
  const program = await buildProgram();
  const unknown = named
    .filter((one) => one.startsWith('mandat '))
    .filter((one) => {
      const words = one.split(' ').slice(1);
      let command: Command | undefined = program;
      for (const word of words.filter((each) => !each.startsWith('--')))
        command = command?.commands.find((below) => below.name() === word);
      const options = words.filter((each) => each.startsWith('--'));
      return command === undefined || !options.every((each) => command?.options.some(({ long }) => long === each));
    });
  t.same(unknown, []);
  for (const one of named.filter((each) => each.startsWith('['))) {
    const [, section = '', key = ''] = /^\[(\w+)\] (\w+)$/.exec(one) ?? [];
    const shape: Readonly<Record<string, unknown>> = schema.shape;
    t.ok(section in shape, one);
    t.match(readFileSync(path.join(ROOT, 'config/mandat.toml'), 'utf8'), new RegExp(`^#? ?${key} = `, 'm'), one);
  }
});
