/** Who isn't there: the commands that docs/reference/commands.md says end with 4, and no others. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { EXITS } from '../../.ci/manual/command-groups.ts';
import { commands } from '../../.ci/manual/commands.ts';
import { desk } from '../cli/desk.ts';

const NOBODY = 'nobody@lab.test';

const CONFIG = `data_dir = "data"
[identity]
scheme = "login"
[imap]
port = 1
tls = "none"
timeout_seconds = 1
[notices]
port = 1
tls = "none"
[accounts]
`;

/** By the name of an argument; what may be one of a few words is the first of them. */
const GIVEN: Readonly<Record<string, string>> = {
  alias: 'other@lab.test',
  domain: 'nowhere.test',
  code: '123456',
  version: '1',
  name: 'mx7',
};

/** Options without which the command would be wrong usage. */
const WITH: Readonly<Record<string, readonly string[]>> = {
  'mailbox set': ['--kind', 'PER'],
  'mailbox remove': ['--yes'],
  'delegate set': ['--state', 'active'],
  'delegate credential': ['--valid-until', 'never'],
  'delegate remove': ['--yes'],
  grant: ['--acknowledge'],
  revoke: ['--yes'],
  list: ['--mailbox', NOBODY],
  adopt: ['--dry-run'],
  'account activate': ['--email', 'nobody@mail.test', '--accept-terms', '1', '--confirm-identity'],
  'account set-contact': ['--email', 'nobody@mail.test'],
  'account end': ['--yes'],
  'server forget': ['--yes'],
};

/** Arguments that name somebody or something of the table: only commands that have one are run. */
const NAMES = /^[<[](?:address|mailbox|delegate|id|domain)\b/;
/** Those that mean all there is where nothing is named, or a file. */
const ASKED_TOO = ['list', 'delegate sync', 'adopt', 'server forget'];
/** They make what they name, or hold numbers. */
const NOT_ASKED = ['mailbox add', 'delegate add', 'notices retry'];

t.test('no such mailbox, delegate or domain', async (t) => {
  const made = await desk(t, { config: CONFIG });
  const file = path.join(made.directory, 'credentials.csv');
  writeFileSync(file, `identifier,valid_until\n${NOBODY},2099-12-31\n`);
  for (const { path: name, arguments: given } of commands()) {
    const asked = ASKED_TOO.includes(name) || given.some(({ shown }) => NAMES.test(shown));
    const says = EXITS[name]?.[4] !== undefined;
    if (!asked || NOT_ASKED.includes(name)) {
      t.notOk(says, `mandat ${name} is not tried, and says that it ends with 4`);
      continue;
    }
    const named = ASKED_TOO.includes(name) ? given.filter(({ shown }) => shown.startsWith('<')) : given;
    const words = named.map(({ shown, choices }) => {
      const [, argument = ''] = /(\w+)/.exec(shown) ?? [];
      return choices[0] ?? (argument === 'file' ? file : (GIVEN[argument] ?? NOBODY));
    });
    const { status, stderr } = await made.mandat(...name.split(' '), ...words, ...(WITH[name] ?? []));
    t.equal(status === 4, says, `mandat ${name} ${words.join(' ')}: ${status} ${stderr}`);
  }
});
