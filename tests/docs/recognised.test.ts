/** What the test of the manual sees, and takes for wrong: a check that sees nothing passes everywhere. */
import t from 'tap';
import { anchors } from '../../.ci/manual/markdown.ts';
import { definitions } from '../../cli/definitions.ts';
import { buildProgram } from '../../cli/program.ts';
import { commandsOn, faultOf, wordsOf } from './commands-shown.ts';
import { configurationFaults, isConfiguration, keyFault } from './keys-shown.ts';
import { readPage } from './pages.ts';

const commands = new Map(definitions(await buildProgram()).map((command) => [command.path, command]));

t.test('commands on a line of a shell', async (t) => {
  for (const [line, found] of [
    ['mandat list', ['list']],
    ['    $ mandat list --json | jq .', ['list --json']],
    ['sudo -u mandat mandat init && mandat doctor   # all of it', ['init', 'doctor   # all of it']],
    ['runuser -u mandat -- /usr/local/bin/mandat init', ['init']],
    ['mandat audit export > trail.jsonl', ['audit export']],
    ['mandat delegate sync <file>', ['delegate sync <file>']],
    ['chown mandat:mandat /var/lib/mandat', []],
    ['install -d -o mandat -g mandat -m 711 /var/lib/mandat', []],
    ['systemctl restart mandat && postfix check', []],
    ['mandat: not yet', []],
  ] as const) {
    t.same(commandsOn(line), found, line);
  }
});

t.test('what the program would not take', async (t) => {
  for (const [line, whole, fault] of [
    ['mandat grant MAILBOX DELEGATE --ends 2026-12-31', true, undefined],
    ['mandat --config FILE mailbox set alice@example.org --kind PER', true, undefined],
    ['mandat audit --check', true, undefined],
    ['mandat withdraw --all|--undo', false, undefined],
    ['mandat doctor [--probe MAILBOX --probe-as ACCOUNT]', false, undefined],
    ['mandat mailbox', false, undefined],
    ['mandat COMMAND --help', false, undefined],
    ['mandat revoke', false, undefined],
    ['mandat frob', false, 'no command mandat frob'],
    ['mandat mailbox frob', false, 'no command mandat mailbox frob'],
    ['mandat list --all', false, 'no option --all of mandat list'],
    ['mandat mailbox set a@x --kind PRE', true, '--kind of mandat mailbox set is one of PER, ORG, APP, CAB'],
    ['mandat completion ksh', true, '<shell> of mandat completion is one of bash, zsh, fish'],
    ['mandat status now', true, 'mandat status takes no now'],
    ['mandat suspend alice@example.org', true, 'mandat suspend needs <delegate>'],
    ['mandat mailbox', true, 'mandat mailbox is not a whole command'],
    ['mandat audit list --mailbox', true, '--mailbox of mandat audit list needs a value'],
  ] as const) {
    const [command = ''] = commandsOn(line);
    t.equal(faultOf(wordsOf(command), commands, whole), fault, line);
  }
});

t.test('keys', async (t) => {
  for (const [code, fault] of [
    ['[imap] host', undefined],
    ['[imap] host = "127.0.0.1"', undefined],
    ['[sessions]', undefined],
    ['imap.host', undefined],
    ['imap.secret', undefined],
    ['passwd.db', undefined],
    ['[imap] hots', 'no key hots in [imap]'],
    ['imap.hots', 'no key hots in [imap]'],
    ['[imapp] host', 'no section [imapp]'],
  ] as const) {
    t.equal(keyFault(code), fault, code);
  }
  const page = readPage(
    'x.md',
    'One:\n\n```toml\ndata_dir = "x"\ndata_dri = "x"\n[imap]\nhost = "x"\n#hots = "x"\n[imapp]\n```\n\nTwo:\n\n    [DEFAULT]\n    ignoreip = 1\n',
  );
  t.same(page.blocks.map(isConfiguration), [true, false]);
  t.same(
    page.blocks
      .filter(isConfiguration)
      .flatMap(configurationFaults)
      .map(({ number, fault }) => `${number}: ${fault}`),
    ['5: no key data_dri', '8: no key hots in [imap]', '9: no section [imapp]'],
  );
});

t.test('a page', async (t) => {
  const text = [
    '# A page',
    '',
    'See [it](a.md#b "title"), `` `code` `` and [`mandat run`](#mandat-run).',
    '',
    '- a list',
    '',
    '    with a paragraph: `code`',
    '',
    'And',
    '',
    '    # no heading',
    '    [no](link)',
    '',
    '    more',
    '',
    '```',
    '# nor this, [nor](that)',
    '```',
    '',
    '## A `page`: [sender_rules] & more',
    '## A page',
  ].join('\n');
  const page = readPage('x.md', text);
  t.same(
    page.links.map(({ number, text }) => `${number} ${text}`),
    ['3 a.md#b', '3 #mandat-run'],
  );
  t.same(
    page.codes.map(({ text }) => text),
    ['`code`', 'mandat run', 'code', 'page'],
  );
  t.same(
    page.blocks.map(({ lines }) => lines.map(({ number }) => number)),
    [[17], [11, 12, 14]],
  );
  t.same(anchors(text), ['a-page', 'a-page-sender_rules--more', 'a-page-1']);
});
