/** What the doctor says of `mandat shares` on a real Dovecot: that asks there, that doesn't, and while nobody answers. */
import { appendFileSync } from 'node:fs';
import t from 'tap';
import { examined } from '../doctor/breakage.ts';
import { startShares } from './shares-server.ts';
import { startSite } from './site.ts';

t.test('the doctor', async (t) => {
  const shares = await startShares();
  t.teardown(() => shares.stop());
  const site = await startSite({ users: ['alice', 'bob'], postfix: false, senderRules: false, shares: shares.socket });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob');
  const said = async (options = {}) => (await examined(site, options)).get('shares');
  t.match(await said(), { status: 'warn', seen: `Dovecot asks at ${shares.socket}`, remedy: shares.socket });
  appendFileSync(site.configFile, `[shares]\nlisten = "${shares.socket}"\n`);
  t.match(await said(), { status: 'ok', seen: `${shares.socket} answers, and Dovecot asks there` });
  const tried = await examined(site, { probe: 'alice@lab.test', probeAs: 'bob@lab.test' });
  t.match(tried.get('sharing'), { status: 'ok' }, 'a grant is listed through it');
  await shares.end();
  t.match(await said(), { status: 'fail', seen: /nobody answers at .*shows nobody/, remedy: /mandat-shares/ });
  await shares.start();
  t.match(await said(), { status: 'ok' });
});

t.test('of a Dovecot that keeps its own file', async (t) => {
  const shares = await startShares();
  t.teardown(() => shares.stop());
  const site = await startSite({ users: ['alice'], postfix: false, senderRules: false });
  t.teardown(() => site.stop());
  const said = async () => (await examined(site)).get('shares');
  t.match(await said(), { status: 'skipped', seen: /by itself/ });
  appendFileSync(site.configFile, `[shares]\nlisten = "${shares.socket}"\n`);
  t.match(await said(), { status: 'warn', seen: /answers, and Dovecot asks elsewhere/, remedy: /shares\.conf/ });
});
