/** docs/architecture.md ends with questions that somebody new would ask, each with the one file that answers it. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ROOT } from '../../.ci/manual/code-sources.ts';

const page = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');
const [, part = ''] = page.split(/^## Twenty questions\s*$/m);
const [section = ''] = part.split(/^## /m);
/** | question | `file` | */
const rows = [...section.matchAll(/^\|(?<question>[^|]*)\|(?<answer>[^|]*)\|\s*$/gm)]
  .map(({ groups }) => ({ question: groups?.question?.trim() ?? '', answer: groups?.answer?.trim() ?? '' }))
  .filter(({ question }) => question.endsWith('?'));

t.test('at least twenty questions, each once, with exactly one file that is there', async (t) => {
  t.ok(rows.length >= 20, `${rows.length} questions under "## Twenty questions"`);
  t.equal(new Set(rows.map(({ question }) => question)).size, rows.length, 'each once');
  for (const { question, answer } of rows) {
    const files = [...answer.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
    t.equal(files.length, 1, `${question} has one file, and has ${answer}`);
    const stat = statSync(path.join(ROOT, files[0] ?? ''), { throwIfNoEntry: false });
    t.ok(stat?.isFile(), `${question}: ${files[0]}`);
  }
});
