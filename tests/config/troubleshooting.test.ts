/** docs/troubleshooting.md quotes what the product says, and names the doctor's checks: neither may be another by now. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';

const ROOT = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(ROOT, 'docs/troubleshooting.md'), 'utf8');

const source = (room: string) =>
  readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(path.join(ROOT, room, file), 'utf8').replaceAll("\\'", "'"))
    .join('\n');

const backticked = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, inside = '']) => inside);

t.test('every message that it quotes is one of ours', async (t) => {
  const words = ['acl', 'bridge', 'cli', 'config'].map(source).join('\n');
  const symptoms = [...page.matchAll(/^\| (.+?) \|/gm)].map(([, first = '']) => first);
  // A reply with a number is a mail server's; what has no blank is a setting, a file, a field.
  const quoted = symptoms.flatMap(backticked).filter((one) => / /.test(one) && !/^(?:\d|mandat )/.test(one));
  t.ok(quoted.length > 40, `${quoted.length} messages`);
  const pieces = (message: string) =>
    message
      .replace(/^(?:retry|config|absent|refused|unsafe): /, '')
      .split('...')
      .map((piece) => piece.trim())
      .filter((piece) => piece.length > 3);
  t.same(
    quoted.filter((message) => !pieces(message).every((piece) => words.includes(piece))),
    [],
  );
});

t.test('every check of the doctor that it names is there', async (t) => {
  const checks = new Set(
    [...source('bridge/doctor').matchAll(/^ {2}name: (?:'(.+)'|"(.+)"),$/gm)].map(([, one, other = '']) =>
      (one ?? other).replaceAll('\\\\', '\\'),
    ),
  );
  const named = [...page.matchAll(/doctor, ((?:`[^`]+`(?:, )?)+)/g)].flatMap(([, list = '']) => backticked(list));
  t.ok(named.length > 20, `${named.length} checks`);
  t.same(
    named.filter((name) => !checks.has(name)),
    [],
  );
});
