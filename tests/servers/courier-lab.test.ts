/** The lab's Courier: its imapd behind the lab's logins, what it shows of itself, and nothing left of it afterwards. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { startCourier, whyNoCourier } from '../../config/lab/courier.ts';
import { connectImap } from '../../config/lab/raw-imap.ts';
import { list } from './wire.ts';

const skip = await whyNoCourier();

t.test('Courier', { skip }, async (t) => {
  const lab = await startCourier([{ login: 'alice', password: 'secret' }]);
  t.teardown(() => lab.stop());
  const alice = await connectImap(lab.imap);
  t.equal((await alice.login('alice', 'wrong')).status, 'NO');
  t.equal((await alice.login('alice', 'secret')).status, 'OK');
  t.equal((await alice.command('CREATE INBOX.Work')).status, 'OK');
  t.same(await list(alice, '*'), ['INBOX', 'INBOX.Work']);
  t.match((await alice.command('NAMESPACE')).lines, [/NIL \(\("#shared\." "\."\)/]);
  t.match((await alice.command('GETACL INBOX')).lines, [/"owner" "acdilrsw"/]);
  t.equal((await alice.command('LIST "" "*" RETURN (SPECIAL-USE)')).status, 'NO');
  const bridge = async () => {
    const imap = await connectImap(lab.imap);
    return { imap, answer: await imap.loginAs('alice', lab.master.user, lab.master.password) };
  };
  t.same(await list((await bridge()).imap, '*'), ['INBOX', 'INBOX.Work'], 'as alice');
  lab.authzid = 'ignored';
  t.same(await list((await bridge()).imap, '*'), ['INBOX'], 'answered OK, and the mailbox is the own one');
  lab.authzid = 'refused';
  t.equal((await bridge()).answer.status, 'NO');
  await lab.stop();
  t.notOk(existsSync(lab.directory));
});
