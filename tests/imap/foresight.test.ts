/** What is foreseen is asked once, at once; each answer serves one asker, and none that a change may have made stale. */
import t from 'tap';
import { text } from '../../bridge/imap/arguments.ts';
import type { Connection, Reply } from '../../bridge/imap/connection.ts';
import { type Question, withForesight } from '../../bridge/imap/foresight.ts';

/** Answers each question with how many came before it. */
function counting() {
  const sent: string[] = [];
  const run: Connection['run'] = async (command, args) => {
    sent.push([command, ...args.map((arg) => (arg as { value?: string }).value)].join(' '));
    return { ok: true, untagged: [{ kind: 'N', values: [String(sent.length)] }] } as Reply;
  };
  return { sent, connection: withForesight({ run } as Connection) };
}

const acl = (folder: string): Question => ({ command: 'GETACL', args: [text(folder)], collect: ['ACL'] });
const number = (reply: Reply) => (reply.ok ? reply.untagged[0]?.values[0] : reply);

t.test('asked at once, and each answer given to one asker', async (t) => {
  const { sent, connection } = counting();
  connection.foresee([acl('INBOX'), acl('Sent'), acl('INBOX')]);
  t.strictSame(sent, ['GETACL INBOX', 'GETACL Sent', 'GETACL INBOX']);
  const ask = async (folder: string) => number(await connection.run('GETACL', [text(folder)], 'ACL'));
  t.strictSame([await ask('INBOX'), await ask('INBOX'), await ask('Sent')], ['1', '3', '2']);
  t.equal(await ask('Sent'), '4', 'asked for again, it is asked anew');
  t.equal(await ask('Trash'), '5', 'as is what nobody has foreseen');
});

t.test('after a change nothing of it counts', async (t) => {
  const { sent, connection } = counting();
  connection.foresee([acl('INBOX'), acl('Sent')]);
  await connection.run('SETACL', [text('Sent'), text('bob'), text('lr')]);
  t.equal(number(await connection.run('GETACL', [text('Sent')], 'ACL')), '4');
  t.equal(sent.at(-1), 'GETACL Sent');
});

t.test('a question that tells something else is another one', async (t) => {
  const { connection } = counting();
  connection.foresee([acl('INBOX')]);
  t.equal(number(await connection.run('GETACL', [text('INBOX')], 'OTHER')), '2');
});

t.test('a connection that is lost is told to whoever asks, and to nobody else', async (t) => {
  const lost = async () => {
    throw new Error('lost');
  };
  const connection = withForesight({ run: lost as Connection['run'] } as Connection);
  connection.foresee([acl('INBOX'), acl('Sent')]);
  await t.rejects(connection.run('GETACL', [text('INBOX')], 'ACL'), { message: 'lost' });
});
