/** The pages that are made from the code are fresh, and leave nothing out that the code has. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import * as found from '../../.ci/manual/code-sources.ts';
import { EXITS, GROUPS } from '../../.ci/manual/command-groups.ts';
import { commands } from '../../.ci/manual/commands.ts';
import { keys } from '../../.ci/manual/configuration.ts';
import { ENVIRONMENT } from '../../.ci/manual/environment.ts';
import { PAGES } from '../../.ci/manual/pages.ts';
import { ACCOUNTS, ASKED, EVENTS, OTHERS, OUTCOMES, STEPS } from '../../.ci/manual/words/audit-actions.ts';
import { CHECK_WORDS } from '../../.ci/manual/words/doctor-checks.ts';
import {
  OF_COMMANDS,
  OF_SERVERS,
  OF_THE_API,
  OF_THE_HOUSE,
  OF_THE_TABLE,
  WARNINGS,
} from '../../.ci/manual/words/refusals.ts';
import { COMMANDS, COPIES, FILTER, SOCKETMAP } from '../../.ci/manual/words/smtp-answers.ts';
import { CHECKS } from '../../bridge/doctor/checks.ts';

const sorted = (names: Iterable<string>): readonly string[] => [...names].sort();
const written = (file: string) => readFileSync(path.join(found.ROOT, file), 'utf8');

for (const { file, make } of PAGES) {
  t.test(`${file} is fresh`, async (t) => {
    t.ok(written(file) === make(), 'stale? "npm run docs" writes it');
  });
}

t.test('every command has its task, its exit statuses, and a place in the page', async (t) => {
  const all = commands().map(({ path }) => path);
  t.same(sorted(Object.keys(EXITS)), sorted(all), '.ci/manual/command-groups.ts: EXITS');
  const first = new Set(all.map((one) => one.split(' ')[0] ?? ''));
  const grouped = GROUPS.flatMap(({ commands }) => commands);
  t.same(sorted(grouped), sorted(first), '.ci/manual/command-groups.ts: GROUPS, each once');
  const page = written('docs/reference/commands.md');
  for (const { path, options, arguments: given } of commands()) {
    const [, part = ''] = page.split(`\n### mandat ${path}\n`);
    const body = part.split(/\n##/)[0] ?? '';
    t.not(body, '', path);
    for (const { shown } of [...options, ...given]) t.ok(body.includes(`\`${shown}\``), `${path} ${shown}`);
  }
});

t.test('every key has its heading', async (t) => {
  const page = written('docs/reference/configuration.md');
  for (const { section, name } of keys()) {
    t.ok(page.includes(`\n### ${section === undefined ? name : `[${section}] ${name}`}\n`), `${section}.${name}`);
  }
  t.same(sorted(Object.keys(ENVIRONMENT)), found.environment(), 'environment: .ci/manual/environment.ts');
});

t.test('every code has its words, and none has them that is gone', async (t) => {
  const refusals = [OF_THE_TABLE, OF_COMMANDS, OF_THE_API, OF_THE_HOUSE, OF_SERVERS, WARNINGS].flatMap((words) =>
    Object.keys(words),
  );
  t.same(sorted(refusals), found.rules(), 'rules: .ci/manual/words/refusals.ts, each once');
  t.same(sorted(Object.keys(OF_THE_TABLE)), sorted(found.refusalsOfTheTable().keys()), 'those of the table');
  t.same(
    sorted(Object.keys(CHECK_WORDS)),
    sorted(CHECKS.map(({ name }) => name)),
    'checks: .ci/manual/words/doctor-checks.ts',
  );
});

t.test('every action of the trail has its words', async (t) => {
  const { noted, written: inCode } = found.actions();
  t.same(sorted(Object.keys(ASKED)), noted, 'what the triggers note: ASKED of .ci/manual/words/audit-actions.ts');
  const typed: Readonly<Record<string, string>> = { ...ASKED, ...EVENTS, ...ACCOUNTS, ...STEPS, ...OUTCOMES };
  const alone = inCode.filter((one) => typed[one] === undefined);
  t.same(sorted(Object.keys(OTHERS)), alone, 'what has no type: OTHERS of .ci/manual/words/audit-actions.ts');
});

t.test('every answer to a mail server has its words', async (t) => {
  const known = [...FILTER, ...COMMANDS, ...COPIES];
  /** `...` stands for anything. */
  const fits = (says: string, other: string) =>
    new RegExp(
      `^${says
        .split('...')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*')}$`,
    ).test(other);
  const all = found.answers();
  t.ok(all.length > 20, `${all.length} in the code`);
  for (const { file, code, says } of all) {
    const row = known.find((one) => fits(says, one.says) && (code === undefined || code === one.code));
    t.ok(row, `${file}: ${code ?? ''} ${says}: .ci/manual/words/smtp-answers.ts`);
  }
  for (const { says } of known)
    t.ok(
      all.some((one) => fits(one.says, says)),
      `still said: ${says}`,
    );
  t.same(sorted(SOCKETMAP.map(({ says }) => says)), found.socketmapAnswers(), 'of the socketmap');
});
