/** The published list of MSSanté addresses at the command line: taken over, and what it makes of mailboxes. R2. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { type Box, correspondenceOf, crowd, lineOf } from '../directory/correspondence-maker.ts';
import { desk, must } from './desk.ts';

const CONFIG = `data_dir = "data"
[imap]
port = 1
tls = "none"
timeout_seconds = 1
[grant]
acknowledge = false
[identity]
unknown_credential = "valid"
`;
const JEANNE = '810101026994';
const BOXES: readonly Box[] = [
  { kind: 'PER', address: 'jeanne@pro.example', owner: JEANNE },
  { kind: 'ORG', address: 'accueil@pro.example' },
  { kind: 'PER', address: 'two@pro.example', owner: JEANNE },
  { kind: 'PER', address: 'two@pro.example', owner: '810000000017' },
  ...crowd(50),
];

t.test('what is published fills a mailbox, and what contradicts it is refused', async (t) => {
  const { directory, mandat, json } = await desk(t, { config: CONFIG });
  const file = (boxes: readonly Box[], more = '') => {
    const name = path.join(directory, 'liste.txt');
    writeFileSync(name, correspondenceOf(boxes) + more);
    return name;
  };
  t.match(await mandat('directory', 'status'), { status: 2, stderr: /no directory has been imported/ });
  await must(mandat('mailbox', 'add', 'accueil@pro.example')); // before the list: PER, as by default
  await must(mandat('mailbox', 'add', 'elsewhere@pro.example', '--owner', '810000000025'));
  const bad = lineOf({ kind: 'XYZ', address: 'x@pro.example' });
  t.match(await mandat('directory', 'import', file(BOXES, `${bad}\n`)), {
    status: 0,
    stdout: 'liste.txt: 53 MSSanté addresses in 54 lines\n',
    stderr:
      /1 line left out:\n +line 56: a mailbox of the type XYZ.*\nmandat: accueil@pro\.example: the MSSanté list has it as ORG, not as PER\n$/,
  });
  t.match(await json('directory', 'status'), { source: null, correspondence: { addresses: 53, source: 'liste.txt' } });
  t.match(await mandat('directory', 'status'), { stdout: /^MSSanté addresses +53$/m });
  t.match(await mandat('directory', 'search', '--id', JEANNE), { status: 2 }, 'it is no directory of people');

  t.match(await mandat('mailbox', 'add', 'Jeanne@pro.example', '--login', 'jeanne'), {
    status: 0,
    stdout: 'jeanne@pro.example added: PER of 810101026994, by the MSSanté list\n',
  });
  t.match(await json('mailbox', 'show', 'jeanne@pro.example'), { owner: JEANNE, kind: 'PER', login: 'jeanne' });
  t.match(await json('mailbox', 'add', 'two@pro.example'), { kind: 'PER', owner: null, published: true }, 'in doubt');
  t.match(await json('mailbox', 'add', 'unlisted@pro.example'), { kind: null, owner: null, published: false });
  for (const [args, says] of [
    [['add', 'p1@pro.example', '--kind', 'ORG'], /p1@pro\.example: the MSSanté list has it as PER, not as ORG/],
    [['add', 'p1@pro.example', '--owner', '10101026994'], /mailbox of 810000000001, not of 810101026994/],
    [['set', 'jeanne@pro.example', '--owner', '810000000017'], /of 810101026994, not of/],
    [['set', 'jeanne@pro.example', '--address', 'p2@pro.example'], /p2@pro\.example: .* of 810000000002, not of 8101/],
    [['set', 'unlisted@pro.example', '--address', 'p3@pro.example', '--kind', 'CAB'], /as PER, not as CAB/],
  ] as const) {
    const { status, stdout, stderr } = await mandat('mailbox', ...args);
    t.match({ status, stdout, stderr }, { status: 3, stdout: '', stderr: says }, args.join(' '));
    t.match(stderr, 'MANDAT_CORRESPONDENCE');
  }
  t.match(await json('mailbox', 'show', 'p1@pro.example'), { error: { code: 'absent' } }, 'nothing was written');
  await must(mandat('mailbox', 'set', 'unlisted@pro.example', '--address', 'p3@pro.example'));

  await must(mandat('delegate', 'add', '810000000033', '--login', 'bob'));
  t.match(
    await mandat('grant', '--no-wait', 'accueil@pro.example', '810000000033'),
    { status: 3, stdout: '', stderr: /only a personal mailbox .* has it as ORG, not as PER; nothing was written/ },
    'it stands in the table as PER, and is none',
  );
  await must(mandat('mailbox', 'remove', 'accueil@pro.example', '--yes'));
  t.match(await mandat('mailbox', 'add', 'accueil@pro.example'), {
    stdout: /added: ORG, by .*Only PER can be delegated/,
  });
  t.match(await mandat('grant', '--no-wait', 'accueil@pro.example', '810000000033'), {
    status: 3,
    stderr: /MANDAT_NOT_PERSONAL/,
  });
  await must(mandat('grant', '--no-wait', 'jeanne@pro.example', '810000000033'));

  t.match(await mandat('directory', 'import', file(BOXES.slice(0, 20))), {
    status: 3,
    stderr: /% less than .*the list of MSSanté addresses stays as it is/,
  });
  t.match(await mandat('directory', 'import', file(BOXES, 'PER|cut')), { status: 2, stderr: /middle of line/ });
  t.match(await json('directory', 'status'), { correspondence: { addresses: 53 } });
});

t.test('elsewhere than in French health it says nothing of a mailbox', async (t) => {
  const { directory, mandat, json } = await desk(t);
  const file = path.join(directory, 'liste.txt');
  writeFileSync(file, correspondenceOf(BOXES));
  await must(mandat('directory', 'import', file));
  await must(mandat('mailbox', 'add', 'jeanne@pro.example', '--owner', 'jeanne'));
  t.match(await json('mailbox', 'show', 'jeanne@pro.example'), { owner: 'jeanne' });
});
