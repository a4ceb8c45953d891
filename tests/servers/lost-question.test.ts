/** A server that ends the connection at the same question each time: said with the question, after three times. */
import t from 'tap';
import { text } from '../../bridge/imap/arguments.ts';
import { connect } from '../../bridge/imap/connection.ts';
import type { Endpoint } from '../../bridge/imap/endpoint.ts';
import { failureOf } from '../../bridge/shared/failure.ts';
import { onlyIn } from '../../config/lab/dovecot-version.ts';
import { routeThrough, startProxy } from './imap-proxy.ts';
import { sync } from './inside.ts';
import { grantRow } from './rows.ts';
import { at, password, startSite } from './site.ts';

t.test('a real one, which dies of it', { skip: onlyIn('2.3', 'it answers that question') }, async (t) => {
  const site = await startSite({
    users: ['bob'],
    postfix: false,
    extraDovecot: 'namespace shared {\n  prefix = shared/%%n/\n}\n',
  });
  t.teardown(() => site.stop());
  const endpoint: Endpoint = { ...site.lab.imap, tls: 'none', timeoutMs: 10_000 };
  const asked = async (name: string) => {
    const connection = await connect(endpoint, { user: at('bob'), pass: password('bob') });
    try {
      await connection.run('NOOP', []);
      // Asked at once, as a tree's rights are: the first is what it dies of.
      const all = [name, 'shared/also'].map((one) => connection.run('MYRIGHTS', [text(one)], 'MYRIGHTS'));
      return (await Promise.allSettled(all)).map((one) =>
        one.status === 'rejected' ? failureOf(one.reason) : 'answered',
      );
    } finally {
      connection.close();
    }
  };
  for (let times = 1; times < 3; times++) {
    for (const failure of await asked('shared/zoe'))
      t.match(failure, { code: 'retry', message: /ended the connection/ });
  }
  for (const failure of await asked('shared/zoe'))
    t.match(failure, {
      code: 'config',
      message: /has ended the connection 3 times at the same question, asked as bob@lab\.test: MYRIGHTS "shared\/zoe"$/,
      hint: /log/,
    });
  t.match(await asked('shared/yves'), [{ code: 'retry' }, { code: 'retry' }], 'another question begins anew');
});

t.test('what the pass says', async (t) => {
  const site = await startSite({ users: ['alice', 'bob'], postfix: false, senderRules: false });
  t.teardown(() => site.stop());
  let deaf = true;
  const proxy = await startProxy(site.lab.imap, (line) => (deaf && / LIST .*SPECIAL-USE/.test(line) ? 'drop' : 'pass'));
  t.teardown(() => proxy.close());
  await routeThrough(site, proxy);
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  for (let times = 1; times < 3; times++) t.match((await sync(site)).failures, [/retry: .*ended the connection/]);
  t.match((await sync(site)).failures, [
    /config: .*3 times at the same question, asked as alice@lab\.test: LIST "" "\*"/,
  ]);
  deaf = false;
  t.same((await sync(site)).failures, [], 'and when it answers, all is well');
});
