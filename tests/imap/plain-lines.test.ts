/** What is read without the library's parser is read as the library reads it, or left to it. */
import fc from 'fast-check';
import { parser } from 'imapflow/lib/handler/imap-handler.js';
import t from 'tap';
import { plainValues } from '../../bridge/imap/plain-lines.ts';

interface Attribute {
  readonly value?: unknown;
}

/** As the library has it. */
async function theirs(line: string): Promise<unknown> {
  const plain = (one: Attribute | null | readonly unknown[]): unknown =>
    Array.isArray(one) ? one.map((each) => plain(each as Attribute)) : ((one as Attribute | null)?.value ?? null);
  const read = await (parser as (line: Buffer) => Promise<{ attributes?: unknown[] }>)(Buffer.from(line, 'latin1'));
  return (read.attributes ?? []).map((one) => plain(one as Attribute));
}

const ours = (line: string) => plainValues(line, line.indexOf(' ', 2) + 1);

t.test('what servers mostly say', async (t) => {
  for (const line of [
    '* LIST (\\HasNoChildren \\Sent \\Subscribed) "/" Sent',
    '* LIST (\\Noselect) "/" "shared/alice@example.org"',
    '* LIST () NIL INBOX',
    '* STATUS INBOX (X-GUID 0123456789abcdef)',
    '* STATUS "a folder" (MAILBOXID (F1-2))',
    '* ACL INBOX alice@example.org lrswipkxtecda "group=all of us" lr -bob@example.org l',
    '* MYRIGHTS "shared/alice@example.org/Sent" lrswipkxte',
    '* MYRIGHTS x ""',
    '* NAMESPACE (("" "/")) (("shared/" "/")) NIL',
    '* LSUB () "/" &AOk-t&AOk-',
  ]) {
    const read = ours(line);
    t.not(read, undefined, line);
    t.same(read, await theirs(line), line);
  }
});

t.test('the rest is left to the library', async (t) => {
  for (const line of [
    '* LIST () "/" {5}',
    '* LIST () "/" "with \\" a quote"',
    '* LIST () "/" "open',
    '* LIST (\\Noselect "/" x',
    '* LIST (\\Noselect)) "/" x',
    '* LIST  () "/" x',
    '* LIST () "/" x ',
    '* LIST () "/" nil',
    '* LIST () "/" a"b',
    '* LIST () "/" [x]',
    '* LIST ',
    '* ACL INBOX a%b lr',
  ])
    t.equal(ours(line), undefined, line);
});

t.test('whatever is read here, the library reads the same', async (t) => {
  const piece = fc.constantFrom(
    ...['(', ')', ' ', '"', '\\', '/', 'NIL', 'nil', 'INBOX', 'a', '0', '12', '.', '-', '+', '&', ',', ':', '*', '%'],
    ...['{3}', '[', ']', '<', '>', '~', '=', '@', '|', '\\Sent', '"/"', '""', '("a" b)', '!', '#', '$', "'", ';', '?'],
  );
  let read = 0;
  const wild = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const spaced = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(' '));
  await fc.assert(
    fc.asyncProperty(fc.oneof(wild, spaced), async (rest) => {
      const line = `* ACL ${rest}`;
      const values = ours(line);
      if (values === undefined) return;
      read++;
      fc.pre(values.length > 0);
      t.same(values, await theirs(line), line);
    }),
    { numRuns: 20_000 },
  );
  t.ok(read > 2000, `${read} lines`);
});
