/** directory, and identifiers by the scheme rpps, at the command line. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { extractOf, type Line, PHYSICIAN, personLines, ROLE_HOLDER, SECRETARY } from '../directory/extract-maker.ts';
import { swollen, zipOf } from '../directory/zip-maker.ts';
import { type Desk, desk, must } from './desk.ts';

const CONFIG = `data_dir = "data"
[grant]
acknowledge = false
[imap]
port = 1
tls = "none"
timeout_seconds = 1
`;
const ELOISE = '810101026994';
const PEOPLE: readonly Line[] = [
  {
    identifier: ELOISE,
    lastName: 'LEFÈVRE',
    firstName: 'ÉLOÏSE',
    profession: PHYSICIAN,
    postalCode: '75015',
    city: 'PARIS',
  },
  {
    identifier: '815000000108',
    lastName: 'KERVELLA',
    firstName: 'ZOÉ',
    profession: ROLE_HOLDER,
    role: SECRETARY,
    city: 'BREST',
  },
  ...Array.from({ length: 200 }, (_, n) => personLines(n)).flat(),
  ...Array.from({ length: 60 }, (_, n) => ({
    identifier: `8177${String(n).padStart(8, '0')}`,
    lastName: 'TANGUY',
    firstName: 'ALIX',
  })),
];

function extract({ directory }: Desk, lines: readonly Line[] = PEOPLE): string {
  const file = path.join(directory, 'extract.txt');
  writeFileSync(file, extractOf(lines));
  return file;
}

const site = async (t: Test, identity = '') =>
  desk(t, { config: `${CONFIG}[identity]\nunknown_credential = "valid"\n${identity}` });

t.test('import, status, search', async (t) => {
  const here = await site(t);
  const { mandat, json } = here;
  t.match(await mandat('directory', 'status'), { status: 2, stderr: /no directory has been imported/ });
  t.match(await mandat('directory', 'search', '--id', ELOISE), { status: 2, stderr: /mandat directory import FILE/ });
  const { stdout } = await must(mandat('directory', 'import', extract(here)));
  t.match(stdout, /^extract\.txt: 262 people in \d+ lines\n/);
  t.match(await mandat('directory', 'status'), { status: 0, stdout: /^people +262$/m });
  t.match(await json('directory', 'status'), { people: 262, source: 'extract.txt' });

  const { stdout: found } = await must(
    mandat('directory', 'search', '--last-name', 'lefevre', '--first-name', 'eloise'),
  );
  t.match(
    found,
    /^IDENTIFIER +FIRST NAME +LAST NAME +PROFESSION +POSTAL CODE +CITY\n810101026994 +ÉLOÏSE +LEFÈVRE +Médecin +75015 +PARIS\n/,
  );
  t.match(
    (await must(mandat('directory', 'search', '--city', 'brest', '--last-name', 'kerv'))).stdout,
    /rôle: Secrétaire médicale/,
  );
  t.match(await json('directory', 'search', '--id', '10101026994'), { total: 1, people: [{ identifier: ELOISE }] });
  t.match(
    (await must(mandat('directory', 'search', '--last-name', 'tanguy', '--first-name', 'alix'))).stdout,
    /\nthe first 50 of 60: add a criterion/,
  );
  t.match(await mandat('directory', 'search', '--last-name', 'nobody', '--city', 'nowhere'), {
    status: 0,
    stdout: /nobody is found.*portail-rpps-plus/,
  });
  t.match(await mandat('directory', 'search', '--last-name', 'lefevre', '--city', ' '), {
    status: 3,
    stderr: /at least two criteria/,
  });
  t.match(await mandat('directory', 'search', '--id', '0751012345'), { status: 3, stderr: /ADELI/ });
  t.match(await mandat('directory', 'import', path.join(here.directory, 'nowhere.zip')), {
    status: 2,
    stderr: /ENOENT/,
  });
  t.match(await mandat('directory', 'import', extract(here, PEOPLE.slice(0, 50))), {
    status: 3,
    stderr: /% less than/,
  });
  const bomb = path.join(here.directory, 'bomb.zip');
  writeFileSync(bomb, zipOf([swollen('PS_LibreAcces.txt', '', 'a', 2048)]));
  t.match(await mandat('directory', 'import', bomb), { status: 2, stdout: '', stderr: /would unpack to \d+ times/ });
  t.match(await json('directory', 'status'), { people: 262 }, 'the old one stays');
});

t.test('a delegate is named by the directory, and one that it does not list is not in force', async (t) => {
  const here = await site(t);
  const { mandat, json, sql } = here;
  await must(mandat('mailbox', 'add', 'alice@lab.test'));
  await must(mandat('delegate', 'add', '810000000017', '--login', 'early@lab.test'));
  t.match(await json('delegate', 'show', '810000000017'), { listed: null, firstName: null }, 'before any directory');
  await must(mandat('directory', 'import', extract(here)));

  const added = await must(mandat('delegate', 'add', '1010 1026 994', '--login', 'eloise@lab.test'));
  t.match(added.stdout, /^810101026994 ÉLOÏSE LEFÈVRE added: Médecin$/m);
  t.match(added.stderr, /11 digits were given.*RPPS_SHORT/);
  t.match(await json('delegate', 'show', ELOISE), { lastName: 'LEFÈVRE', profession: 'Médecin', listed: true });
  t.match(await json('delegate', 'show', '810000000017'), { listed: true }, 'looked up at the import');

  const { stderr } = await must(mandat('delegate', 'add', '810009999993', '--login', 'gone@lab.test'));
  t.match(stderr, /810009999993 is not in the directory/);
  const unlisted = ['grant', 'alice@lab.test', '810009999993'];
  t.match(await mandat(...unlisted), { status: 3, stderr: /MANDAT_NOT_LISTED/ }, 'R5, R27');
  t.match(await json(...unlisted, '--force', 'their registration is under way'), {
    withheld: /the directory does not list the delegate/,
  });
  t.match(await json('grant', '--no-wait', 'alice@lab.test', ELOISE), { withheld: null });

  const gone = await must(mandat('directory', 'import', extract(here, PEOPLE.slice(1))));
  t.match(gone.stdout, /^810101026994: is not in the directory: what depends on them is suspended$/m);
  t.match(await json('list', '--delegate', ELOISE), [{ state: 'suspended', why: /does not list/ }]);
  t.match(sql('SELECT count(*) FROM delegations'), /^2/, 'the rows stay');
  const back = await must(mandat('directory', 'import', extract(here)));
  t.match(back.stdout, /^810101026994: is in the directory$/m);
  t.match(await json('list', '--delegate', ELOISE), [{ why: null }]);

  await must(mandat('mailbox', 'set', 'alice@lab.test', '--owner', '8 1500 0000 108', '--no-wait'));
  await must(mandat('directory', 'import', extract(here)));
  t.match(await json('list', '--delegate', ELOISE), [{ why: null }], 'the owner is listed');
  await must(
    mandat(
      'directory',
      'import',
      extract(
        here,
        PEOPLE.filter((_, at) => at !== 1),
      ),
    ),
  );
  t.match(
    await json('list', '--delegate', ELOISE),
    [{ state: 'suspended', why: /does not list the owner/ }],
    'and now they are not',
  );
  await must(mandat('mailbox', 'set', 'alice@lab.test', '--owner', '810000000005', '--no-wait'));
  t.match(await json('list', '--delegate', ELOISE), [{ why: null }], 'another owner, looked up at once');
  await must(mandat('mailbox', 'set', 'alice@lab.test', '--owner', '810009999985', '--no-wait'));
  t.match(await json('list', '--delegate', ELOISE), [{ why: /does not list the owner/ }], 'and one who is not listed');
  sql("UPDATE mailbox SET owner = '810000000006'");
  t.match(
    await json('mailbox', 'show', 'alice@lab.test'),
    { ownerListed: null },
    'by SQL: not known until the next import',
  );
  sql("INSERT INTO delegate (id, login) VALUES ('810009999977', 'newcomer')");
  t.match(
    await mandat('grant', '--no-wait', 'alice@lab.test', '810009999977'),
    { status: 3, stderr: /MANDAT_NOT_LISTED/ },
    'or the next grant: another program has written this delegate',
  );
  t.match(await json('mailbox', 'show', 'alice@lab.test'), { ownerListed: true });
});

t.test('identifiers', async (t) => {
  const { mandat } = await site(t);
  const cases: readonly (readonly [typed: string, why: RegExp])[] = [
    ['bob@lab.test', /12 digits starting with 8/],
    ['0751012345', /ADELI/],
    ['310000000001/42', /FINESS/],
    ['910101026994', /student/],
    ['899700245667', /test kit/],
    ['8101010269941', /13 digits/],
  ];
  for (const [typed, why] of cases) {
    t.match(await mandat('delegate', 'add', typed), { status: 3, stderr: why }, typed);
  }
  t.match(
    await mandat('delegate', 'add', '809171209251'),
    { status: 3, stderr: /MANDAT_IDENTIFIER/ },
    'key and range both fail',
  );
  t.match(await mandat('delegate', 'add', '10001234567'), { status: 0, stderr: /RPPS_SHORT[\s\S]*RPPS_KEY/ });
  t.match(await mandat('delegate', 'show', '10001234567'), { status: 0, stderr: /^$/ }, 'said once, at the addition');
  t.match(await mandat('grant', '--no-wait', 'alice@lab.test', '310000000001/42'), { status: 3, stderr: /FINESS/ });
  t.match((await mandat('delegate', 'list')).stdout, /^810001234567 /m);
});

t.test('strict, and test identities', async (t) => {
  const strict = await site(t, 'strict = true\nallow_test_identities = true\n');
  t.match(await strict.mandat('delegate', 'add', '810001234567'), { status: 3, stderr: /mistyped/ });
  t.match(await strict.mandat('delegate', 'add', '899700245667'), { status: 0, stderr: /RPPS_RANGE/ });
});

t.test('a table from before: delegates known by their logins stay within reach', async (t) => {
  const here = await desk(t);
  await must(here.mandat('mailbox', 'add', 'alice@lab.test'));
  await must(here.mandat('delegate', 'add', 'bob@lab.test'));
  await must(here.mandat('grant', '--no-wait', 'alice@lab.test', 'bob@lab.test'));
  writeFileSync(here.configFile, CONFIG);
  t.match(await here.mandat('delegate', 'add', 'carol@lab.test'), { status: 3, stderr: /12 digits/ });
  t.match(await here.mandat('delegate', 'show', 'bob@lab.test'), { status: 0 });
  await must(here.mandat('suspend', '--no-wait', 'alice@lab.test', 'bob@lab.test'));
  await must(here.mandat('revoke', '--no-wait', 'alice@lab.test', 'bob@lab.test', '--yes'));
});
