/** Whom the guard holds sends as the mailbox does, whatever address it has meanwhile, and never as an address that has become another's. */
import t from 'tap';
import { dryRun, sync } from './inside.ts';
import { at, startSite } from './site.ts';
import { refusal, senderAnswer } from './submission.ts';

const OWNERS = ['o1', 'o2', 'o3'];
const here = await startSite({ users: [...OWNERS, 'o4', 'd1', 'd2'], extraToml: '[guard]\nmax_pairs = 3' });
t.teardown(() => here.stop());
await here.register('o1', 'd1', 'd2');
for (const owner of OWNERS.slice(1)) await here.register(owner);
const sends = async (who: string, as: string) => (await senderAnswer(here, who, at(as))).code === 250;
const all = (as: string) => Promise.all(['d1', 'd2'].map((who) => sends(who, as)));

t.test('all delegations are gone at once: who is held goes on', async (t) => {
  await here.sql('INSERT INTO delegation (mailbox, delegate) SELECT m.address, d.id FROM mailbox m, delegate d');
  t.same((await sync(here)).failures, []);
  await here.sql('DELETE FROM delegation');
  t.match(await sync(here), { held: 6, failures: [] });
  t.same(await all('o1'), [true, true]);
});

t.test('the mailbox changes its address', async (t) => {
  await here.sql(`UPDATE mailbox SET address = '${at('office')}' WHERE address = '${at('o1')}'`);
  t.match(await sync(here), { held: 6, failures: [] });
  t.same(await all('office'), [true, true], 'they follow it');
  t.same(await all('o1'), [false, false], 'and leave the old one');
  t.ok(await sends('o1', 'office'), 'with the owner');
});

t.test('two mailboxes change addresses with one another', async (t) => {
  const name = (from: string, to: string) =>
    here.sql(`UPDATE mailbox SET address = '${at(to)}' WHERE address = '${at(from)}'`);
  await name('o2', 'second');
  await name('o3', 'third');
  await sync(here);
  for (const [from, to] of [
    ['second', 'between'],
    ['third', 'second'],
    ['between', 'third'],
  ] as const)
    await name(from, to);
  t.match(await sync(here), { held: 6, failures: [] });
  for (const address of ['second', 'third']) t.same(await all(address), [true, true], 'each is held in both');
});

t.test('an address is given up, and taken by a mailbox in which they have nothing', async (t) => {
  await here.sql(`UPDATE mailbox SET address = '${at('bureau')}' WHERE address = '${at('office')}';
    INSERT INTO mailbox (address, login) VALUES ('${at('office')}', '${at('d1')}')`);
  t.match(await sync(here), { held: 6, failures: [] });
  t.same(await senderAnswer(here, 'd2', at('office')), refusal('d2', at('office')));
  t.same(await all('bureau'), [true, true]);
  t.ok(await sends('d1', 'office'), 'who owns it sends');
});

t.test('a further address comes and goes', async (t) => {
  await here.sql(`INSERT INTO alias (mailbox, address) VALUES ('${at('bureau')}', '${at('desk')}')`);
  await sync(here);
  t.same(await all('desk'), [true, true]);
  await here.sql(`DELETE FROM alias WHERE address = '${at('desk')}'`);
  await sync(here);
  t.same(await all('desk'), [false, false]);
});

t.test('a mailbox leaves the table, and its address is given to another', async (t) => {
  await here.sql(`DELETE FROM mailbox WHERE address = '${at('third')}'`);
  t.match(await sync(here), { held: 6, failures: [] });
  t.same(await all('third'), [true, true], 'nobody else has it');
  await here.sql(`INSERT INTO mailbox (address, login) VALUES ('${at('third')}', '${at('o4')}')`);
  const { steps } = await dryRun(here);
  t.match(
    steps,
    [
      { kind: 'withdraw', address: at('third'), login: at('d1') },
      { kind: 'withdraw', address: at('third'), login: at('d2') },
    ],
    'a dry run says so',
  );
  t.match(await sync(here), { held: 6, failures: [] });
  for (const who of ['d1', 'd2']) t.same(await senderAnswer(here, who, at('third')), refusal(who, at('third')));
  t.ok(await sends('o4', 'third'), 'who owns it sends');
  t.match(await sync(here), { steps: [], held: 6, failures: [] }, 'and nothing is left to do');
});

t.test('they are let go', async (t) => {
  t.match(await sync(here, { force: true }), { held: 0, failures: [] });
  for (const address of ['bureau', 'second']) t.same(await all(address), [false, false], address);
  t.ok(await sends('o4', 'third'), 'who owns it sends on');
});
