/** What is done with an account once it is active, and at its end. R43, R50 to R53, R56, R57. */
import t from 'tap';
import { asMandat } from '../store/shell.ts';
import { ALIX, CONFIG, extract, PEOPLE, site, ZOE } from './account-desk.ts';
import { must } from './desk.ts';

const ACTIVE = `INSERT INTO mailbox (address) VALUES ('alice@lab.test'); INSERT INTO delegate (id, login) VALUES ('${ZOE}', 'zoe@lab.test'), ('${ALIX}', 'alix@lab.test');
  INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', '${ZOE}')`;

t.test('contact, refusals, and what of it is shown', async (t) => {
  const here = await site(t);
  const { mandat, json, sql, code, written } = here;
  sql(ACTIVE);
  const as = (...args: readonly string[]) => mandat('--as', `delegate:${ZOE}`, ...args);
  const email = ['account', 'set-contact', ZOE, '--email', 'zoe@example.org'];
  await must(as(...email));
  await must(as('account', 'confirm', ZOE, code()));
  t.match(await json(...email), { changed: false }, 'the same again: no mail');
  await must(as('account', 'opt-out', ZOE, 'surveys'));
  t.match(await must(as('account', 'opt-out', ZOE, 'newsletters', '--no')), {
    stdout: /does not refuse newsletters any more/,
  });
  const shown = await must(as('account', 'show', ZOE));
  t.match(
    shown.stdout,
    /^identifier +810101026994\nfirst name +ZOÉ\nlast name +KERVELLA\nprofession +Acteur du système de santé caractérisé par un rôle\nrole +Secrétaire médicale\nlogin +zoe@lab\.test\nstate +active, since 20.*\ncontact +zoe@example\.org, since 20/,
    'R57: the labels as they are published',
  );
  t.match(await json('account', 'show', ZOE), {
    state: 'active',
    contact: 'zoe@example.org',
    waiting: null,
    terms: null,
    refuses: { surveys: true, newsletters: false },
    delegated: ['alice@lab.test'],
    ownMailbox: null,
  });
  const untouched = written();
  const refusals: readonly (readonly [args: readonly string[], status: number, says: RegExp])[] = [
    [['--as', `delegate:${ALIX}`, 'account', 'show', ZOE], 3, /everybody manages their own/],
    [['--as', `owner:${ZOE}`, 'account', 'show', ZOE], 3, /everybody manages their own/],
    [['--as', `delegate:${ZOE}`, 'account', 'end', ZOE, '--yes'], 3, /it is for admins/],
    [['--as', `delegate:${ZOE}`, 'account', 'open-mailbox', ZOE, 'zoe@lab.test'], 3, /it is for admins/],
    [['--as', `delegate:${ZOE}`, 'revoke', 'alice@lab.test', ZOE, '--yes'], 3, /Vous ne pouvez pas mettre fin/],
    [['account', 'opt-out', ZOE, 'notices'], 2, /surveys, newsletters/],
    [['account', 'show', '810000000033'], 4, /no such delegate/],
    [['account', 'end', ZOE], 2, /--yes/],
    [['account', 'set-contact', ZOE, '--email', 'zoe@x.chu.example'], 3, /MANDAT_CONTACT/],
    [
      ['account', 'open-mailbox', ALIX, 'alice@lab.test', '--login', 'zoe@lab.test'],
      3,
      /the login alice@lab\.test, not zoe/,
    ],
  ];
  for (const [args, status, says] of refusals) t.match(await mandat(...args), { status, stderr: says }, args.join(' '));
  for (const [option, value] of [
    ['--last-name', 'Quemener'],
    ['--profession', 'Médecin'],
  ] as const)
    t.match(
      await mandat('delegate', 'set', ZOE, option, value),
      { status: 3, stderr: /come from the directory only/ },
      `R52: ${option}`,
    );
  t.equal(written(), untouched);

  t.match(await must(mandat('account', 'end', ZOE, '--yes')), {
    stdout: /the account of 810101026994 has ended, which ends their access to alice@lab\.test/,
  });
  t.notMatch(written(), /example\.org/, 'what is private is erased');
  t.match(await json('account', 'show', ZOE), { state: 'ended', contact: null, refuses: { surveys: false } });
  t.match(await here.why(), /account has ended/);
  t.match(await mandat('grant', 'alice@lab.test', ZOE), { status: 3, stderr: /MANDAT_ENDED/ });
  for (const args of [
    ['account', 'set-contact', ZOE, '--email', 'z@example.org'],
    ['delegate', 'set', ZOE, '--state', 'active'],
  ])
    t.match(await mandat(...args), { status: 3, stderr: /has ended.*MANDAT_ENDED/ }, args.join(' '));
  t.match(await must(mandat('account', 'end', ZOE, '--yes')), { stdout: /it had ended before/ });
});

t.test('names and professions are those of the directory, and change with it', async (t) => {
  const here = await site(t);
  const { mandat, json, sql } = here;
  sql(
    `${ACTIVE}; UPDATE delegate SET first_name = 'Zoé', last_name = 'Le Goff' WHERE id = '${ZOE}'; ${asMandat('DELETE FROM events')}`,
  );
  t.match(await json('directory', 'import', extract(here)), { renamed: [ZOE, ALIX] });
  t.match(await json('delegate', 'show', ZOE), {
    firstName: 'ZOÉ',
    lastName: 'KERVELLA',
    profession: /^Acteur du système/,
  });
  t.match(
    sql(
      "SELECT actor, on_behalf, reason, delegate, detail FROM events WHERE action = 'account-identity' ORDER BY delegate DESC",
    ),
    new RegExp(
      `^admin:\\w+\\|delegate:${ZOE}\\|directory import\\|${ZOE}\\|\\{"changed":"first_name, last_name, profession"\\}`,
    ),
  );
  t.match(await json('directory', 'import', extract(here)), { renamed: [], listed: [] }, 'the same again');
  const married = PEOPLE.map((one) => (one.identifier === ZOE ? { ...one, lastName: 'LE GOFF' } : one));
  t.match(await must(mandat('directory', 'import', extract(here, married))), {
    stdout: /^810101026994: name and profession as/m,
  });
  t.match(await json('directory', 'status'), { people: 3, whiteList: { domains: 2, ageMs: Number } });
  t.match(await mandat('directory', 'import', extract(here), '--whitelist', extract(here)), {
    status: 2,
    stderr: /extract, or --whitelist/,
  });
});

t.test('without [accounts] there is nothing to activate', async (t) => {
  const here = await site(t, CONFIG('1').replace(/\[accounts\][\s\S]*\[notices\]\n/, ''));
  const { mandat, json, sql } = here;
  sql(`${ACTIVE}; UPDATE delegate SET state = 'pending' WHERE id = '${ALIX}'`);
  for (const args of [
    ['set-contact', ZOE, '--email', 'z@example.org'],
    ['accept-terms', ZOE, '1'],
  ])
    t.match(await mandat('account', ...args), { status: 2, stderr: /every delegate is active at once/ });
  t.match(await json('account', 'show', ZOE), { state: 'active' });
  await must(mandat('delegate', 'set', ALIX, '--state', 'active'));
  t.match(await json('delegate', 'show', ALIX), { state: 'active' }, 'a row from before');
});
