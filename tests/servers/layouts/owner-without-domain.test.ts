/**
 * `shared/%%n/` where logins have domains: Dovecot adds the delegate's own domain to the name. So nobody can be shown an owner of another
 * domain, and two owners who differ in their domain alone have one name. Said clearly, never taken for the other; and imap never dies of it.
 */
import t from 'tap';
import { ownersInPrefix } from '../../../config/lab/dovecot-syntax.ts';
import { connectImap } from '../../../config/lab/raw-imap.ts';
import { sync, verify } from '../inside.ts';
import { grantRow } from '../rows.ts';
import { at, startSite } from '../site.ts';
import { list, withLogin } from '../wire.ts';

const TWIN = 'alice@other.test';

t.test('two owners of one name', async (t) => {
  const site = await startSite({
    postfix: false,
    senderRules: false,
    extraDovecot: ownersInPrefix('namespace shared {\n  prefix = shared/%%n/\n}\n'),
    users: ['alice', 'bob'],
  });
  t.teardown(() => site.stop());
  await site.lab.addUser(TWIN, 'pw');
  const twin = await connectImap(site.lab.imap);
  await twin.login(TWIN, 'pw');
  for (const line of ['CREATE Private', 'LIST "" "*"']) t.equal((await twin.command(line)).status, 'OK');
  await site.register('alice', 'bob');
  await site.sql(`INSERT INTO mailbox (address) VALUES ('${TWIN}')`);

  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${TWIN}', '${at('bob')}')`);
  const [alone = ''] = (await sync(site)).failures;
  t.match(alone, /^alice@other\.test: retry: .*shows bob@lab\.test nothing below shared\/ that is alice@other\.test's/);

  await grantRow(site, 'alice', 'bob');
  const both = await sync(site);
  t.equal(both.failures.length, 1, 'the one of their own domain is in force');
  t.match(both.failures[0], /^alice@other\.test: (config|retry): .*alice@other\.test/);
  const [again = ''] = (await sync(site)).failures;
  t.match(
    again,
    /config: .*without their domain \(shared\/%%n\), and for bob@lab\.test shared\/alice is not alice@other\.test/,
  );
  t.match(await verify(site), [/^alice@other\.test: bob@lab\.test: .*another domain/]);
  t.same(await withLogin(site, 'bob', (bob) => list(bob, 'shared/%')), ['shared/alice']);
  t.equal(await withLogin(site, 'bob', async (bob) => (await bob.command('SELECT shared/alice/Private')).status), 'NO');

  await site.sql('DELETE FROM delegation');
  t.same((await sync(site)).failures, [], 'both are taken back');
  t.same(await verify(site), []);
  const { lines } = await twin.command('GETACL INBOX');
  t.notMatch(lines.join(), at('bob'), 'no entry is left');
  twin.close();
  t.notMatch(site.lab.logs().dovecot, /signal 11/, 'no process of the server died of a question');
});
