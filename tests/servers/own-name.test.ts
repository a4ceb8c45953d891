/** In Dovecot's log each session of ours says whose it is: `name=mandat, version=...` (RFC 2971), under the login that it is a session of. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { sync } from './inside.ts';
import { grantRow } from './rows.ts';
import { at, startSite } from './site.ts';

t.test('our sessions are marked, others are not', async (t) => {
  const site = await startSite({
    users: ['alice', 'bob'],
    postfix: false,
    senderRules: false,
    extraDovecot: { '2.3': 'imap_id_log = *', '2.4': 'log_debug = event=imap_id_received' },
  });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob');
  (await site.login('alice')).close();
  const log = () => readFileSync(site.lab.logs().dovecot, 'utf8');
  t.notMatch(log(), /mandat.*version/, 'a client of somebody else');
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const name of ['alice', 'bob'])
    await waitFor(
      `a line of ${name}'s`,
      10_000,
      () =>
        log()
          .split('\n')
          .some(
            (line) =>
              line.includes(`imap(${at(name)})`) &&
              line.includes('ID sent:') &&
              line.includes('name=mandat') &&
              line.includes(`version=${version}`),
          ),
      () =>
        log()
          .split('\n')
          .filter((line) => /ID sent|id_rec/.test(line))
          .slice(-5)
          .join('\n'),
    );
  t.pass('both');
});
