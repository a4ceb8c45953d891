/** What is read without the library's parser is read as the library reads it, or left to it. */
import fc from 'fast-check';
import { parser } from 'imapflow/lib/handler/imap-handler.js';
import t from 'tap';
import { plainValues, type Reading, readPlainly, type Value } from '../../bridge/imap/plain-lines.ts';

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

t.test('what a hostile server may say is left to the library, which bounds it', async (t) => {
  const deep = (depth: number) => `* ACL ${'('.repeat(depth)}a${')'.repeat(depth)}`;
  t.same(ours(deep(10)), await theirs(deep(10)));
  for (const depth of [11, 4000]) t.equal(ours(deep(depth)), undefined, `${depth} deep`);
  t.equal(ours(`* ACL ${'('.repeat(9000)}`), undefined);
  const read: string[] = [];
  const heard: unknown[] = [];
  const client: Reading = {
    currentRequest: {
      tag: 'A1',
      sent: true,
      options: { plainly: new Map([['ACL', (values: readonly Value[]) => heard.push(values)]]) },
    },
    handleResponse: async ({ payload }) => read.push(payload.toString()) > 0,
    takeCurrentRequest: () => undefined,
    trySend: async () => {},
  };
  readPlainly(client);
  const say = (line: string) => client.handleResponse({ payload: Buffer.from(line) });
  const names = ['__proto__', 'constructor', 'hasOwnProperty', 'valueOf', 'toString', '__defineGetter__'];
  for (const name of names) await say(`* ${name} INBOX a`);
  await say('* ACL INBOX a lr');
  t.same(
    read,
    names.map((name) => `* ${name} INBOX a`),
  );
  t.same(heard, [['INBOX', 'a', 'lr']]);
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
