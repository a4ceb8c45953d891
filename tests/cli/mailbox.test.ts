import t from 'tap';
import { desk, must } from './desk.ts';

t.test('add, list, show, set, remove', async (t) => {
  const { mandat, json } = await desk(t);
  t.match(await mandat('mailbox', 'list'), { status: 0, stdout: 'no mailboxes\n' });
  t.same(await json('mailbox', 'list'), []);
  t.match(await mandat('mailbox', 'add', 'Alice@LAB.test'), {
    status: 0,
    stdout: 'alice@lab.test added\n',
    stderr: /^mandat: whether the IMAP server has an account alice@lab\.test could not be seen: .*ECONNREFUSED\n$/,
  });
  await must(
    mandat(
      'mailbox',
      'add',
      'bureau@Münich.example',
      '--login',
      'Bureau',
      '--owner',
      'Carol',
      '--kind',
      'ORG',
      '--not-eligible',
    ),
  );
  const { stdout } = await must(mandat('mailbox', 'list'));
  t.equal(
    stdout,
    `ADDRESS                       LOGIN           KIND  ELIGIBLE  DELEGATES
alice@lab.test                alice@lab.test  PER   yes       0
bureau@xn--mnich-kva.example  bureau          ORG   no        0
`,
    'aligned, folded, in punycode',
  );
  const bureau = {
    address: 'bureau@xn--mnich-kva.example',
    login: 'bureau',
    owner: 'carol',
    ownerListed: null,
    kind: 'ORG',
    eligible: false,
    server: 'main',
    aliases: [],
    delegates: 0,
  };
  t.same(await json('mailbox', 'show', 'bureau@MÜNICH.example'), bureau, 'named as people write it');
  t.same(((await json('mailbox', 'list')) as unknown[])[1], bureau);
  t.match(
    (await must(mandat('mailbox', 'show', 'alice@lab.test'))).stdout,
    /^address +alice@lab\.test\nlogin +alice@lab\.test\nowner +-\n/,
  );

  t.match(await mandat('mailbox', 'set', bureau.address, '--kind', 'PER', '--eligible', '--login', 'bureau2'), {
    stdout: /changed/,
  });
  t.match(await json('mailbox', 'show', bureau.address), {
    kind: 'PER',
    eligible: true,
    login: 'bureau2',
    owner: 'carol',
  });
  await must(mandat('mailbox', 'set', bureau.address, '--address', 'Office@lab.test'));
  t.match(await json('mailbox', 'show', 'office@lab.test'), { login: 'bureau2' }, 'under its new name');
  t.match(await mandat('mailbox', 'show', bureau.address), { status: 4 });

  t.match(
    await mandat('mailbox', 'remove', 'office@lab.test'),
    { status: 2, stderr: /--yes/ },
    'not without being asked',
  );
  t.match(await mandat('mailbox', 'remove', 'office@lab.test', '--yes', '--no-wait'), {
    status: 0,
    stdout: /^office@lab\.test removed\. No sidecar is running: it takes effect when one does/,
  });
  t.match(await mandat('mailbox', 'remove', 'office@lab.test', '--yes'), {
    status: 4,
    stderr: /MANDAT_UNKNOWN_MAILBOX/,
  });
});

t.test('removing one says what goes with it', async (t) => {
  const { mandat, json, sql } = await desk(t);
  await must(mandat('mailbox', 'add', 'alice@lab.test'));
  for (const name of ['bob', 'carol']) {
    await must(mandat('delegate', 'add', name));
    await must(mandat('grant', '--no-wait', 'alice@lab.test', name));
  }
  t.match(await json('mailbox', 'show', 'alice@lab.test'), { delegates: 2 });
  const { stdout } = await must(mandat('mailbox', 'remove', 'alice@lab.test', '--yes'));
  t.match(stdout, /^alice@lab\.test removed, which ends 2 delegations\. No sidecar is running/);
  t.equal(sql('SELECT count(*) FROM delegation'), '0');
});

t.test('aliases', async (t) => {
  const { mandat, json } = await desk(t);
  await must(mandat('mailbox', 'add', 'alice@lab.test'));
  await must(mandat('mailbox', 'add', 'carol@lab.test'));
  await must(mandat('delegate', 'add', 'bob@lab.test'));
  const alias = (...args: string[]) => mandat('mailbox', 'alias', ...args);
  t.match(await alias('add', 'alice@lab.test', 'Dr.Alice@Münich.example'), {
    status: 0,
    stdout: /^alice@lab\.test: alias dr\.alice@xn--mnich-kva\.example added\. No sidecar is running/,
  });
  t.match(await json('mailbox', 'show', 'alice@lab.test'), { aliases: ['dr.alice@xn--mnich-kva.example'] });
  const refused: readonly (readonly [mailbox: string, alias: string, status: number, says: RegExp, why: string])[] = [
    [
      'alice@lab.test',
      'dr.alice@münich.example',
      3,
      /dr\.alice@xn--mnich-kva\.example.*already.*MANDAT_DUPLICATE/,
      'twice',
    ],
    ['carol@lab.test', 'dr.alice@münich.example', 3, /MANDAT_DUPLICATE/, "another mailbox's"],
    ['alice@lab.test', 'carol@lab.test', 3, /mailbox's own.*MANDAT_DUPLICATE/, "a mailbox's own"],
    [
      'alice@lab.test',
      'bob@lab.test',
      3,
      /login of somebody else.*MANDAT_DUPLICATE/,
      "a delegate's login: they would lose their address",
    ],
    ['alice@lab.test', '-x@lab.test', 2, /unknown option/, 'an option, it seems'],
    ['alice@lab.test', 'a..b@lab.test', 3, /MANDAT_ADDRESS/, 'not an address'],
    [
      'nobody@lab.test',
      'x@lab.test',
      4,
      /no such mailbox: nobody@lab\.test.*MANDAT_UNKNOWN_MAILBOX/,
      'no such mailbox',
    ],
  ];
  for (const [mailbox, other, status, says, why] of refused)
    t.match(await alias('add', mailbox, other), { status, stdout: '', stderr: says }, why);
  t.match(await alias('remove', 'carol@lab.test', 'dr.alice@münich.example'), {
    status: 4,
    stderr: /not an alias of carol@/,
  });
  t.match(await alias('remove', 'alice@lab.test', 'dr.alice@münich.example'), { status: 0, stdout: /removed/ });
  t.match(await alias('remove', 'alice@lab.test', 'dr.alice@münich.example'), { status: 4, stderr: /not an alias/ });
});

t.test('refused, and saying whom it is about', async (t) => {
  const { mandat, sql } = await desk(t);
  await must(mandat('mailbox', 'add', 'alice@lab.test', '--login', 'alice'));
  const cases: readonly (readonly [args: readonly string[], status: number, says: RegExp, why: string])[] = [
    [['add', 'ALICE@lab.test'], 3, /alice@lab\.test: .*exists already.*MANDAT_DUPLICATE/, 'twice'],
    [['add', 'x@lab.test', '--login', 'Alice'], 3, /x@lab\.test: .*login.*MANDAT_DUPLICATE/, "another mailbox's login"],
    [['add', 'anyone'], 3, /"anyone".*name@domain.*MANDAT_ADDRESS/, 'not an address'],
    [['add', 'a b@lab.test'], 3, /MANDAT_ADDRESS/, 'a blank'],
    [['add', '.a@lab.test'], 3, /MANDAT_ADDRESS/, 'a dot in front'],
    [
      ['add', 'x@lab.test', '--login', 'anyone'],
      3,
      /"anyone".*group or a role.*MANDAT_LOGIN/,
      'a login that means everybody',
    ],
    [['add', '--', '-x@lab.test'], 3, /negative.*MANDAT_ADDRESS/, 'a leading hyphen'],
    [
      ['set', 'nobody@lab.test', '--kind', 'ORG'],
      4,
      /no such mailbox: nobody@lab\.test.*MANDAT_UNKNOWN_MAILBOX/,
      'no such mailbox',
    ],
    [['show', 'nobody@lab.test'], 4, /no such mailbox.*\n.*mandat mailbox list/, 'the same, with what to do'],
  ];
  for (const [args, status, says, why] of cases)
    t.match(await mandat('mailbox', ...args), { status, stdout: '', stderr: says }, why);
  t.equal(sql('SELECT group_concat(address) FROM mailbox'), 'alice@lab.test', 'nothing was written');
});
