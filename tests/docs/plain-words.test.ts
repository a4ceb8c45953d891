/** Plain words: a delegate, an owner, anybody is "they", in what people read: the manual, the help, the configuration, the English notices, the codes. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ROOT } from '../../.ci/manual/code-sources.ts';
import { manual } from './pages.ts';

/** Also what a login as the delegate shows, when it is said to be seen "through their own eyes". */
const NOT_PLAIN = /\b(?:he|him|his|himself|she|hers?|herself|own eyes)\b/i;

const read = (file: string) => ({ file, text: readFileSync(path.join(ROOT, file), 'utf8') });

t.test('they', async (t) => {
  const notices = readdirSync(path.join(ROOT, 'config/notices/en'), { encoding: 'utf8' });
  const texts = [
    ...manual(),
    ...['docs/mandat.1', 'config/mandat.toml', ...notices.map((name) => `config/notices/en/${name}`)].map(read),
  ];
  t.ok(texts.length > 20, 'there is something to read');
  for (const { file, text } of texts) {
    const lines = text.split('\n').flatMap((line, at) => (NOT_PLAIN.test(line) ? [`${file}:${at + 1}: ${line}`] : []));
    t.same(lines, [], file);
  }
});
