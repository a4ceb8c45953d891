/** What passes the filter, as Dovecot tells it to a webmail: ENVELOPE names the same authors as we do. The rest of the property is in tests/acl. R31. */
import t from 'tap';
import { type Passed, passedOf, seed } from '../acl/passed-fields.ts';
import { type Site, startSite } from './site.ts';

const RUNS = 2000;

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['bob'] });
});
t.teardown(() => site?.stop());

t.test('Dovecot reads the same From, and the same Sender where there is one', async (t) => {
  t.comment(`MANDAT_TEST_SEED=${seed}`);
  const passed = await passedOf(RUNS);
  t.ok(passed.length > RUNS / 20, `${passed.length} of ${RUNS} passed`);
  const imap = await site.login('bob');
  t.teardown(() => imap.close());
  for (const { header } of passed) await imap.append('INBOX', `${header.toString('utf8')}x\r\n`);
  await imap.command('SELECT INBOX');
  const { lines } = await imap.command('FETCH 1:* (ENVELOPE)');
  const envelopes = lines.filter((line) => / FETCH \(ENVELOPE /.test(line));
  t.equal(envelopes.length, passed.length);
  for (const [index, line] of envelopes.entries()) {
    const { came, addresses } = passed[index] as Passed;
    const [from, sender] = addressesIn(Buffer.from(line).toString('latin1')); // literals count octets
    const wanted = JSON.stringify([addresses.from, addresses.sender ?? addresses.from]);
    if (JSON.stringify([from, sender]) !== wanted) t.fail('Dovecot reads another author', { came, line, wanted });
  }
  t.pass('compared with Dovecot');
});

/** From and Sender: lists of (name route local domain) after date and subject. RFC 9051 section 7.5.2. */
function addressesIn(line: string): readonly (readonly string[])[] {
  const lists: string[][] = [];
  let words: string[] = [];
  let depth = 0;
  const end = line.length;
  for (let at = line.indexOf('"x" ') + 4; at < end && lists.length < 3; ) {
    const rest = line.slice(at);
    const [word = '', quoted, length] = /^(?:"((?:[^"\\]|\\.)*)"|\{(\d+)\}\r\n|[()]|NIL|\s)/.exec(rest) ?? [rest];
    at += word.length + Number(length ?? 0);
    if (word === '(' && ++depth === 1) lists.push([]);
    else if (word === '(') words = [];
    else if (word === ')' && depth-- === 2) lists.at(-1)?.push(`${words[2]}@${words[3]}`);
    else if (word.trim() !== '' && word !== ')') words.push(quoted ?? '');
  }
  return lists.slice(0, 2);
}
