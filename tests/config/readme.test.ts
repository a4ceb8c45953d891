/** The README is the short way in: what it says to type is what docs/install.md says, which .ci/install-test runs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

/** Lines indented by four, without what is said beside them. */
const commands = (text: string) =>
  [...text.matchAll(/^ {4}(\S.*)$/gm)].map(([, line = '']) => line.replace(/\s+#.*$/, '').trim());
const section = (text: string, heading: string) => text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));

t.test('the way to install it', async (t) => {
  const page = read('docs/install.md');
  t.same(
    commands(section(read('README.md'), 'Install') ?? ''),
    ['The program', 'Dovecot and Postfix'].flatMap((heading) => commands(section(page, heading) ?? '')),
  );
});

t.test('two pages, no more', async (t) => {
  const lines = read('README.md').split('\n');
  t.ok(lines.length <= 110, `${lines.length} lines: what needs more has a page of docs/`);
});
