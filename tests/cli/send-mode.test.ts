/** What recipients see of what a delegate sends, by delegation: given with the grant, changed, refused. R31. */
import t from 'tap';
import { desk, must } from './desk.ts';

const ALICE = 'alice@lab.test';
const BOB = 'bob@lab.test';

t.test('with the grant, and changed', async (t) => {
  const { mandat, json, sql } = await desk(t);
  await must(mandat('mailbox', 'add', ALICE));
  for (const name of [BOB, 'carol@lab.test']) await must(mandat('delegate', 'add', name));
  await must(mandat('grant', '--no-wait', ALICE, BOB, '--send-mode', 'send-as'));
  await must(mandat('grant', '--no-wait', ALICE, 'carol@lab.test'));
  const modes = async () => ((await json('list')) as { sendMode: unknown }[]).map(({ sendMode }) => sendMode);
  t.same(await modes(), ['send-as', null]);
  const { stdout, stderr } = await must(mandat('send-mode', ALICE, BOB, 'on-behalf'));
  t.equal(stdout, `${ALICE} to ${BOB}: sends on-behalf\n`);
  t.match(stderr, /\[submission\] is not configured/, 'without the filter it does nothing');
  t.same(await modes(), ['on-behalf', null]);
  t.same(await json('send-mode', ALICE, BOB, 'site'), { mailbox: ALICE, delegate: BOB, sendMode: null });
  t.same(await modes(), [null, null]);
  const events = sql("SELECT action, json_extract(detail, '$.send_mode') FROM events WHERE delegate = 'bob@lab.test'");
  t.equal(events, 'delegate-add|\ngrant|send-as\nchange|on-behalf\nchange|', 'each in the trail');
});

t.test('refused: nothing is written', async (t) => {
  const { mandat, sql } = await desk(t);
  await must(mandat('mailbox', 'add', ALICE));
  await must(mandat('delegate', 'add', BOB));
  const none = await mandat('send-mode', ALICE, BOB, 'send-as');
  t.match(none, { status: 4, stderr: /alice@lab\.test is not delegated to bob@lab\.test/ });
  t.match(await mandat('grant', '--no-wait', ALICE, BOB, '--send-mode', 'site'), {
    status: 2,
    stderr: /on-behalf, send-as/,
  });
  await must(mandat('grant', '--no-wait', ALICE, BOB));
  const table = () => sql('SELECT * FROM delegation; SELECT count(*) FROM events');
  const before = table();
  t.match(await mandat('send-mode', ALICE, BOB, 'behalf'), { status: 2, stderr: /on-behalf, send-as, site/ });
  const own = await mandat('--as', `delegate:${BOB}`, 'send-mode', ALICE, BOB, 'send-as');
  t.match(own, { status: 3, stderr: /MANDAT_ACTOR/ }, 'how they send is the owner’s to say');
  t.throws(() => sql("UPDATE delegation SET send_mode = 'ceo'"), /MANDAT_SEND_MODE/);
  t.throws(() => sql("UPDATE OR IGNORE delegations SET send_mode = ''"), /MANDAT_SEND_MODE/);
  t.throws(() => sql("UPDATE OR REPLACE delegation SET send_mode = 'Send-As'"), /MANDAT_SEND_MODE/);
  t.equal(sql('SELECT send_mode IS NULL FROM delegation'), '1');
  t.equal(table().split('\n')[0], before.split('\n')[0]);
});
