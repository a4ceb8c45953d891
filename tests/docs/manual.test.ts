/** Every link, command, option, key, code and path that the manual names is there. tests/docs/reference.test.ts looks the other way round. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { environment, ROOT, rules } from '../../.ci/manual/code-sources.ts';
import { COMMANDS, COPIES, FILTER } from '../../.ci/manual/words/smtp-answers.ts';
import { definitions } from '../../cli/definitions.ts';
import { buildProgram } from '../../cli/program.ts';
import { commandsOn, faultOf, wordsOf } from './commands-shown.ts';
import { configurationFaults, isConfiguration, keyFault } from './keys-shown.ts';
import { type Line, type ManualPage, manual } from './pages.ts';

const pages = manual();
const byFile = new Map(pages.map((page) => [page.file, page]));
const commands = new Map(definitions(await buildProgram()).map((command) => [command.path, command]));

/** One assertion a page, with every fault and where it stands. */
function each(t: Test, faults: (page: ManualPage) => readonly (Line & { readonly fault: string })[]): void {
  for (const page of pages) {
    t.same(
      faults(page).map(({ number, text, fault }) => `${page.file}:${number}: ${text}: ${fault}`),
      [],
      page.file,
    );
  }
}

const judged = (lines: readonly Line[], fault: (text: string) => string | undefined) =>
  lines.flatMap((line) => {
    const found = fault(line.text);
    return found === undefined ? [] : [{ ...line, fault: found }];
  });

t.test('there is something to look at', async (t) => {
  const count = (what: (page: ManualPage) => number) => pages.reduce((sum, page) => sum + what(page), 0);
  t.ok(pages.length >= 15, `${pages.length} pages`);
  t.ok(count(({ links }) => links.length) > 50, 'links');
  t.ok(count(({ codes }) => codes.length) > 500, 'codes');
  const shown = pages.flatMap(({ blocks }) =>
    blocks.flatMap(({ lines }) => lines.flatMap(({ text }) => commandsOn(text))),
  );
  t.ok(shown.length > 50, `${shown.length} commands in blocks`);
  t.ok(
    pages.some(({ blocks }) => blocks.some(isConfiguration)),
    'blocks of configuration',
  );
});

t.test('every link leads somewhere, to the heading that it names', async (t) => {
  each(t, ({ file, links }) =>
    judged(links, (target) => {
      if (/^[a-z]+:/.test(target)) return undefined; // of the web: not ours to keep
      const [where = '', anchor] = target.split('#');
      const to = where === '' ? file : path.posix.join(path.posix.dirname(file), decodeURIComponent(where));
      if (!existsSync(path.join(ROOT, to))) return `there is no ${to}`;
      if (anchor === undefined || byFile.get(to)?.anchors.has(anchor)) return undefined;
      return byFile.has(to) ? `no heading of ${to} has this anchor` : `${to} is no page of the manual`;
    }),
  );
});

t.test('every command within a line exists, with its options', async (t) => {
  each(t, ({ codes }) =>
    judged(codes, (text) => {
      const [, rest] = /^(?:\$ |sudo )?mandat (.+)$/.exec(text) ?? [];
      return rest === undefined
        ? undefined
        : faultOf(wordsOf(commandsOn(`mandat ${rest}`)[0] ?? rest), commands, false);
    }),
  );
});

t.test('every command in a block is one that the program takes as it stands', async (t) => {
  each(t, ({ blocks }) =>
    blocks
      .filter(({ language }) => ['', 'sh', 'bash', 'console', 'shell'].includes(language))
      .flatMap(({ lines }) =>
        judged(lines, (text) =>
          commandsOn(text)
            .map((one) => faultOf(wordsOf(one), commands, true))
            .find((fault) => fault !== undefined),
        ),
      ),
  );
});

t.test('every key of the configuration exists', async (t) => {
  each(t, ({ codes, blocks }) => [
    ...judged(codes, (text) => (ARGUMENTS.has(text) ? undefined : keyFault(text))),
    ...blocks.filter(isConfiguration).flatMap(configurationFaults),
  ]);
});

/** `[mailbox]` is no section where it is an argument. */
const ARGUMENTS = new Set([...commands.values()].flatMap((command) => command.arguments.map(({ shown }) => shown)));

t.test('every rule and every variable exists', async (t) => {
  const known = new Set([...rules(), ...environment()]);
  each(t, ({ codes }) =>
    judged(codes, (text) => {
      const [, name] = /^\$?\{?(MANDAT_[A-Z_]+)\}?$/.exec(text) ?? [];
      return name === undefined || known.has(name) || OF_TESTS.includes(name) ? undefined : 'nothing of this name';
    }),
  );
});

/** Read by .ci/ alone. */
const OF_TESTS = ['MANDAT_CACHE'];

t.test('every answer of the filter exists', async (t) => {
  const ours = new Set([...FILTER, ...COMMANDS, ...COPIES].map(({ code, says }) => `${code} ${says.split(' ')[0]}`));
  each(t, ({ file, codes }) =>
    judged(file === 'docs/server-notes.md' ? [] : codes, (text) => {
      const [, answer] = /^([245]\d\d [245]\.\d+\.\d+)(?: |$)/.exec(text) ?? [];
      return answer === undefined || ours.has(answer) || OF_POSTFIX.includes(answer) ? undefined : 'nobody says this';
    }),
  );
});

/** Its own refusal of a sender. */
const OF_POSTFIX = ['553 5.7.1'];

t.test('every path of the repository exists', async (t) => {
  each(t, ({ codes }) =>
    judged(codes, (text) => {
      if (!/^(?:acl|bridge|cli|config|docs|tests|\.ci)\/[\w./@-]*$/.test(text)) return undefined;
      return existsSync(path.join(ROOT, text)) ? undefined : 'there is no such file';
    }),
  );
});
