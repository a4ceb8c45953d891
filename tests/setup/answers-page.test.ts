/** docs/install.md shows a file of answers: every key that there is, each with its default. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { answersOf, readAnswers } from '../../bridge/setup/answers.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/install.md'), 'utf8');

t.test('the file of answers', async (t) => {
  const [, block = ''] = /^```toml\n(try_as = [\s\S]*?)^```$/m.exec(page) ?? [];
  const shown = readAnswers(block, 'docs/install.md');
  t.same(shown, answersOf({ try_as: shown.try_as }), 'each value is the default');
  for (const key of Object.keys(shown)) t.match(block, new RegExp(`^${key} = `, 'm'), `${key} is shown`);
});
