/** A delegation gives the right to send on the owner's behalf, and takes it away again; Postfix says who may. R1. */
import t from 'tap';
import { deliver, rfc5322 } from '../../config/lab/deliver.ts';
import type { RawSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { must } from '../cli/desk.ts';
import { at, type Site, startSite } from './site.ts';
import { askSender, refusal, senderAnswer, submissionAs } from './submission.ts';

let site: Site;

t.before(async () => {
  site = await startSite({ users: ['alice', 'bob', 'carol', 'dave'] });
  await site.register('alice', 'bob', 'carol');
  await site.run();
  await site.settled();
});
t.teardown(() => site?.stop());

const sessions: RawSmtp[] = [];
t.afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});

async function as(name: string): Promise<RawSmtp> {
  const session = await submissionAs(site, name);
  sessions.push(session);
  return session;
}

const code = async (session: RawSmtp, from: string) => (await askSender(session, from)).code;
const grant = (...options: string[]) => must(site.mandat('grant', at('alice'), at('bob'), ...options));
const revoke = () => must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));

t.test('a grant: accepted, and it arrives; a stranger is refused in Postfix’s own words', async (t) => {
  t.match(await senderAnswer(site, 'bob', at('alice')), refusal('bob', at('alice')), 'not before');
  await grant();
  const bob = await as('bob');
  const subject = `de la part de ${process.pid}`;
  const letter = { from: at('alice'), to: at('dave'), subject, body: 'Bonjour' };
  t.match(await bob.sendMail(at('alice'), at('dave'), rfc5322(letter)), { at: 'accepted' });
  const dave = await site.login('dave');
  await waitFor('the letter', 20_000, async () => {
    await dave.command('SELECT INBOX');
    return (await dave.command(`SEARCH SUBJECT "${subject}"`)).lines.some((line) => /^\* SEARCH \d/.test(line));
  });
  dave.close();
  for (const stranger of ['carol', 'dave'])
    t.match(
      await senderAnswer(site, stranger, at('alice')),
      refusal(stranger, at('alice')),
      `${stranger} has no delegation`,
    );
  t.equal(await code(bob, at('carol')), 553, 'nor has bob any other mailbox');
  t.equal((await senderAnswer(site, 'alice', at('bob'))).code, 553, 'nor the owner her delegate’s');
});

t.test('a revoke is felt by the next message of a session that is open', async (t) => {
  const bob = await as('bob');
  t.equal(await code(bob, at('alice')), 250);
  await revoke();
  t.match(await askSender(bob, at('alice')), refusal('bob', at('alice')));
  t.equal(await code(bob, at('bob')), 250, 'their own address stays theirs');
  await grant();
  t.equal(await code(bob, at('alice')), 250, 'and a grant as well');
  await site.sql(`DELETE FROM delegation WHERE delegate = '${at('bob')}'`);
  await site.settled();
  t.equal(await code(bob, at('alice')), 553, 'whoever deletes the row');
});

t.test('in the middle of a message: what was accepted is delivered, the next is refused', async (t) => {
  await grant();
  const bob = await as('bob');
  await bob.command(`MAIL FROM:<${at('alice')}>`);
  t.equal((await bob.command(`RCPT TO:<${at('dave')}>`)).code, 250);
  await revoke();
  t.equal((await bob.command(`RCPT TO:<${at('carol')}>`)).code, 553, 'another recipient is another question');
  await bob.command('RSET');
  t.equal(await code(bob, at('alice')), 553);
});

t.test('aliases come and go without a reload, for the owner and their delegates', async (t) => {
  await grant();
  const alias = 'dr.alice@lab.test';
  const [alice, bob, carol] = [await as('alice'), await as('bob'), await as('carol')];
  const codes = async () => [await code(alice, alias), await code(bob, alias), await code(carol, alias)];
  t.same(await codes(), [553, 553, 553]);
  await must(site.mandat('mailbox', 'alias', 'add', at('alice'), alias));
  await site.settled();
  t.same(await codes(), [250, 250, 553]);
  t.equal(await code(bob, 'Dr.Alice@LAB.test'), 250, 'in any case');
  await must(site.mandat('mailbox', 'alias', 'remove', at('alice'), alias));
  await site.settled();
  t.same(await codes(), [553, 553, 553]);
  t.equal(await code(bob, at('alice')), 250, 'the rest stays');
  await revoke();
});

t.test('a delegation whose conditions fail gives nothing, and comes back by itself', async (t) => {
  await grant();
  const bob = await as('bob');
  const cases: readonly (readonly [fails: string, holds: string, why: string])[] = [
    [
      `UPDATE delegate SET state = 'suspended' WHERE id = '${at('bob')}'`,
      `UPDATE delegate SET state = 'active' WHERE id = '${at('bob')}'`,
      'suspended',
    ],
    [
      `UPDATE delegate SET credential_valid_until = '2020-01-01T00:00:00.000Z' WHERE id = '${at('bob')}'`,
      `UPDATE delegate SET credential_valid_until = NULL WHERE id = '${at('bob')}'`,
      'their credential has lapsed',
    ],
    ["UPDATE delegation SET ends_at = '2020-01-01T00:00:00.000Z'", 'UPDATE delegation SET ends_at = NULL', 'ended'],
    [
      "UPDATE delegation SET starts_at = '2999-01-01T00:00:00.000Z'",
      'UPDATE delegation SET starts_at = NULL',
      'not started',
    ],
    ['UPDATE mailbox SET eligible = 0', 'UPDATE mailbox SET eligible = 1', 'the mailbox is not eligible any more'],
  ];
  for (const [fails, holds, why] of cases) {
    await site.sql(fails);
    await site.settled();
    t.match(await askSender(bob, at('alice')), refusal('bob', at('alice')), why);
    t.equal((await senderAnswer(site, 'alice', at('alice'))).code, 250, 'the owner keeps her own');
    await site.sql(holds);
    await site.settled();
    t.equal(await code(bob, at('alice')), 250, `no longer ${why}`);
  }
  await site.sql("UPDATE delegation SET ends_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+2 seconds')");
  await waitFor('the end of the delegation to be felt', 15_000, async () => (await code(bob, at('alice'))) === 553);
  await revoke();
});

t.test('a server that is down delays no withdrawal of the right to send', async (t) => {
  await grant();
  await deliver(site.lab, at('alice'), 'INBOX', { from: at('dave'), to: at('alice'), subject: 'x', body: 'x' });
  const bob = await as('bob');
  t.equal(await code(bob, at('alice')), 250);
  await site.lab.stopDovecot();
  t.equal(
    (await site.mandat('revoke', at('alice'), at('bob'), '--yes', '--wait', '1')).status,
    5,
    'IMAP cannot be reached',
  );
  t.match(await askSender(bob, at('alice')), refusal('bob', at('alice')), 'the sender rule went all the same');
  await site.lab.startDovecot();
});
