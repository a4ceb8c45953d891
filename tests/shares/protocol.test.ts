/** Dovecot's dict protocol, line by line: what it really sends (recorded from 2.3.19.1 and 2.4.1), and what nobody should. */
import fc from 'fast-check';
import t from 'tap';
import { cutLines, escaped, LONGEST_LINE, wordsOf } from '../../bridge/shares/dict-lines.ts';
import { type Request, requestIn } from '../../bridge/shares/dict-request.ts';
import { keyOf, recipientIn, shareIn } from '../../bridge/shares/share-key.ts';

t.test('words', async (t) => {
  t.same(wordsOf('a\tb\t\tc'), ['a', 'b', '', 'c']);
  t.same(wordsOf('a\u0001tb\u0001nc\u0001rd\u00011e\u00010f'), ['a\tb\nc\rd\u0001e\0f']);
  t.same(wordsOf('a\u0001x'), ['ax'], 'an escape of nothing');
  t.same(wordsOf('a\u0001'), ['a'], 'an escape at the end');
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (words) => {
      const line = words.map(escaped).join('\t');
      t.notMatch(line, /[\n\r\0]/);
      t.same(wordsOf(line), words);
    }),
  );
});

t.test('lines', async (t) => {
  const cut = (text: string) => {
    const { lines, rest, tooLong } = cutLines(Buffer.from(text));
    return { lines: lines.map(String), rest: String(rest), tooLong };
  };
  t.same(cut('a\nb\n\nc'), { lines: ['a', 'b', ''], rest: 'c', tooLong: false });
  t.same(cut(''), { lines: [], rest: '', tooLong: false });
  const longest = 'x'.repeat(LONGEST_LINE);
  t.same(cut(`${longest}\n`), { lines: [longest], rest: '', tooLong: false });
  t.match(cut(`a\nx${longest}\n`), { lines: ['a'], tooLong: true });
  t.match(cut(`x${longest}`), { lines: [], tooLong: true }, 'nobody waits for its end');
});

const ROWS: readonly (readonly [line: string, request: Request | undefined])[] = [
  ['H3\t2\t0\t\tmandat', { kind: 'hello', major: 3, dict: 'mandat' }],
  ['H4\t0\t0\t\tmandat', { kind: 'hello', major: 4, dict: 'mandat' }],
  ['H3\t2\t0\t', undefined],
  ['Hx\t2\t0\t\tmandat', undefined],
  [
    'I1\t0\tshared/shared-boxes/\talice@lab.test',
    { kind: 'iterate', flags: 1, most: 0, path: 'shared/shared-boxes/', user: 'alice@lab.test' },
  ],
  ['I1\t5\tp', { kind: 'iterate', flags: 1, most: 5, path: 'p', user: '' }],
  ['I-1\t0\tp\tu', undefined],
  ['I1\t0', undefined],
  ['B4294967295\talice@lab.test', { kind: 'begin', transaction: 4294967295 }],
  ['B1\talice@lab.test\t0', { kind: 'begin', transaction: 1 }],
  ['B', undefined],
  ['B1e3', undefined],
  ['B99999999999999999999', undefined],
  ['S1\tk\t1', { kind: 'set', transaction: 1, key: 'k', value: '1' }],
  ['S1\tk', undefined],
  ['U1\tk', { kind: 'unset', transaction: 1, key: 'k' }],
  ['U1', undefined],
  ['A1\tk\t5', { kind: 'foreign', transaction: 1 }],
  ['T1\t5\t6', { kind: 'remark', transaction: 1 }],
  ['V1\tyes', { kind: 'remark', transaction: 1 }],
  ['C1', { kind: 'commit', transaction: 1, later: false }],
  ['D1', { kind: 'commit', transaction: 1, later: true }],
  ['R1', { kind: 'rollback', transaction: 1 }],
  ['Lk\tuser', { kind: 'lookup', key: 'k' }],
  ['L', undefined],
  ['', undefined],
  ['h', undefined],
  ['toString', undefined],
  ['__proto__', undefined],
  ['GET / HTTP/1.1', undefined],
];
t.test('requests', async (t) => {
  for (const [line, request] of ROWS) t.same(requestIn(line), request, line);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (line) => {
      requestIn(line); // never throws
    }),
  );
});

t.test('keys', async (t) => {
  const BOB = { to: 'user/bob@lab.test', from: 'alice@lab.test' };
  t.same(shareIn('shared/shared-boxes/user/bob@lab.test/alice@lab.test'), BOB);
  t.same(shareIn('shared/shared-boxes/anyone/alice'), { to: 'anyone', from: 'alice' });
  t.same(shareIn('shared/shared-boxes/group/a/b/alice'), { to: 'group/a/b', from: 'alice' });
  t.equal(keyOf(BOB), 'shared/shared-boxes/user/bob@lab.test/alice@lab.test');
  t.equal(recipientIn('shared/shared-boxes/user/bob@lab.test/'), 'user/bob@lab.test');
  t.equal(recipientIn('shared/shared-boxes/anyone/'), 'anyone');
  for (const key of [
    '',
    'shared/shared-boxes/',
    'shared/shared-boxes/alice',
    'shared/shared-boxes/user/alice',
    'shared/shared-boxes/user//alice',
    'shared/shared-boxes/user/bob/',
    'shared/shared-boxes/anyone/x/alice',
    'shared/shared-boxes/nobody/alice',
    'priv/shared-boxes/user/bob/alice',
    'shared/shared-user-boxes-rev/alice/bob',
    'shared/shared-boxes/user/b\ufffdb/alice',
    'shared/shared-boxes/user/b\0b/alice',
    `shared/shared-boxes/user/${'b'.repeat(1024)}/alice`,
  ])
    t.equal(shareIn(key), undefined, JSON.stringify(key.slice(0, 60)));
  for (const path of [
    '',
    'shared/',
    'shared/shared-boxes/',
    'shared/shared-boxes/user/',
    'shared/shared-boxes/user/bob',
  ])
    t.equal(recipientIn(path), undefined, path);
});
