/** Servers of which nothing is known: how their refusals are read, and where they show whose folders. */
import t from 'tap';
import type { Argument } from '../../bridge/imap/arguments.ts';
import type { Connection, Reply } from '../../bridge/imap/connection.ts';
import type { Look } from '../../bridge/imap/dialect.ts';
import { everything, listed, subscriptions } from '../../bridge/imap/listing.ts';
import type { Namespaces } from '../../bridge/imap/namespaces.ts';
import type { Value } from '../../bridge/imap/plain-lines.ts';
import type { Refusal } from '../../bridge/imap/replies.ts';
import { rfc4314 } from '../../bridge/imap/rfc4314.ts';
import { rfc4314Names } from '../../bridge/imap/rfc4314-names.ts';

t.test('refusals, by code and by words', async (t) => {
  const no = (text: string, code = ''): Refusal => ({ ok: false, status: 'NO', code, text });
  const rows: readonly (readonly [Refusal, 'gone' | 'denied' | 'neither', string])[] = [
    [no('x', 'NONEXISTENT'), 'gone', 'RFC 5530'],
    [no('x', 'NOPERM'), 'denied', 'RFC 5530'],
    [no('Mailbox does not exist', 'NOPERM'), 'denied', 'the code counts'],
    [no('permission denied', 'UNAVAILABLE'), 'neither', 'another code'],
    [no('Mailbox does not exist, or must be subscribed to.'), 'gone', 'Courier'],
    [no('Access denied for GETACL on #shared.alice (ACL "a" required)'), 'denied', 'Courier'],
    [no('Mailbox does not exist'), 'gone', 'Cyrus'],
    [no('Permission denied'), 'denied', 'Cyrus'],
    [no("Mailbox doesn't exist: Work"), 'gone', ''],
    [no('No such mailbox'), 'gone', ''],
    [no('SETACL failed. Mailbox not found.'), 'gone', ''],
    [no('You are not allowed to administer this mailbox'), 'denied', ''],
    [no('System I/O error'), 'neither', ''],
    [no(''), 'neither', ''],
    [no('Quota exceeded'), 'neither', ''],
  ];
  for (const [refusal, kind, why] of rows) {
    const found = rfc4314.isGone(refusal) ? 'gone' : rfc4314.isDenied(refusal) ? 'denied' : 'neither';
    t.equal(found, kind, `${refusal.text} ${why}`);
  }
});

interface Shown {
  /** Names that LIST shows, each with the UIDVALIDITY that STATUS tells. */
  readonly folders: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
  readonly subscribed?: readonly string[];
}

const ok = (...untagged: readonly (readonly [string, readonly Value[]])[]): Reply => ({
  ok: true,
  untagged: untagged.map(([kind, values]) => ({ kind, values })),
});

/** Answers LIST (`%` for one level), LSUB and STATUS, with `/`; LIST of many patterns only where it is offered. */
function server({ folders, capabilities = [], subscribed = [] }: Shown) {
  const asked: string[] = [];
  const word = (argument: Argument | undefined) =>
    argument !== undefined && 'value' in argument ? String(argument.value) : '';
  const matching = (names: readonly string[], pattern: string) => {
    const escaped = pattern
      .replace(/[.+?^$(){}[\]|\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('%', '[^/]*');
    return names.filter((name) => new RegExp(`^${escaped}$`).test(name));
  };
  const connection = {
    has: (name: string) => capabilities.includes(name),
    run: async (command: string, args: readonly Argument[]): Promise<Reply> => {
      const patterns = Array.isArray(args[1]) ? args[1].map(word) : [word(args[1])];
      asked.push([command, ...patterns].join(' '));
      if (command === 'STATUS') {
        const found = folders[word(args[0])];
        return found === undefined
          ? { ok: false, status: 'NO', code: '', text: 'no such mailbox' }
          : ok(['STATUS', [word(args[0]), ['UIDVALIDITY', found]]]);
      }
      if (args.length > 2 || patterns.length > 1) {
        if (!capabilities.includes('LIST-EXTENDED')) return { ok: false, status: 'BAD', code: '', text: 'syntax' };
      }
      const names = command === 'LSUB' ? subscribed : Object.keys(folders);
      return ok(
        ...patterns
          .flatMap((one) => matching(names, one))
          .map((name) => [command, [['\\HasNoChildren'], '/', name]] as const),
      );
    },
  };
  return { connection: connection as unknown as Connection, asked };
}

t.test('LIST where nothing of it is extended', async (t) => {
  const plain = server({ folders: { INBOX: '1', Work: '2' }, subscribed: ['Work'] });
  const found = await everything(plain.connection, undefined, 'list');
  t.strictSame(
    found.map(({ values }) => values),
    [
      [['\\HasNoChildren'], '/', 'INBOX'],
      [['\\HasNoChildren', '\\Subscribed'], '/', 'Work'],
    ],
  );
  t.equal((await listed(plain.connection, ['INBOX', 'Wo*'], 'list')).length, 2);
  t.notOk(plain.asked.some((one) => one.startsWith('LIST INBOX Wo*')));
  const able = server({ folders: { INBOX: '1', Work: '2' }, capabilities: ['LIST-EXTENDED'] });
  t.equal((await listed(able.connection, ['INBOX', 'Wo*'], 'list')).length, 2);
  t.strictSame(able.asked, ['LIST INBOX Wo*'], 'one question');
});

t.test('subscriptions, with LSUB and where there is none any more', async (t) => {
  const old = server({ folders: {}, subscribed: ['Work', 'Other'] });
  t.strictSame(await subscriptions(old.connection, 'Wo*', 'list'), ['Work']);
  const run = async (command: string, args: readonly Argument[]): Promise<Reply> => {
    if (command === 'LSUB') return { ok: false, status: 'BAD', code: '', text: 'unknown command' };
    t.strictSame(args[0], [{ type: 'ATOM', value: 'SUBSCRIBED' }]);
    return ok(['LIST', [['\\Subscribed'], '/', 'Work']]);
  };
  const rev2 = { run, has: (name: string) => name === 'IMAP4REV2' } as unknown as Connection;
  t.strictSame(await subscriptions(rev2, 'Wo*', 'list'), ['Work']);
  const neither = { run, has: () => false } as unknown as Connection;
  await t.rejects(subscriptions(neither, 'Wo*', 'list'), { code: 'config' });
});

t.test('where an owner is shown', async (t) => {
  const slash = (prefix: string) => ({ prefix, delimiter: '/' });
  const spaces = (others: readonly string[], shared: readonly string[] = []): Namespaces => ({
    personal: [slash('')],
    otherUsers: others[0] === undefined ? undefined : slash(others[0]),
    others: others.map(slash),
    foreign: [...others, ...shared].map(slash),
  });
  const where = async (
    namespaces: Namespaces,
    shown: Shown,
    owner: string,
    delegate = 'bob@ex.test',
    proof?: string,
  ) => {
    const look: Look = {
      connection: server(shown).connection,
      owner:
        proof === undefined
          ? undefined
          : { namespaces: { personal: [slash('')] }, proof: { folder: 'INBOX', id: proof } },
      ownerOf: async () => undefined,
      learnt: { forms: new Map(), spaces: new Map() },
    };
    const names = await rfc4314Names(namespaces, owner, delegate, look);
    return names.unreachable === undefined
      ? names.nameOf('INBOX')
      : `unreachable${names.unreachable.yet ? ', yet' : ''}`;
  };
  const alice = 'alice@ex.test';
  const rows: readonly (readonly [string, Promise<string | undefined>, string])[] = [
    [`Users/${alice}`, where(spaces(['Users/']), { folders: { [`Users/${alice}`]: '7' } }, alice), 'other users'],
    [
      `#s/${alice}`,
      where(spaces([], ['#p/', '#s/']), { folders: { [`#s/${alice}`]: '7' } }, alice),
      'one of several shared ones',
    ],
    [
      'Users/alice',
      where(spaces(['Users/']), { folders: { 'Users/alice': '7' } }, alice, 'bob@ex.test', '7'),
      'of the same domain, and proven',
    ],
    [
      'unreachable, yet',
      where(spaces(['Users/']), { folders: { 'Users/alice': '8' } }, alice, 'bob@ex.test', '7'),
      'another mailbox',
    ],
    [
      'unreachable, yet',
      where(spaces(['Users/']), { folders: { 'Users/alice': '7' } }, alice, 'bob@other.test', '7'),
      'of another domain',
    ],
    [
      'unreachable, yet',
      where(spaces(['Users/']), { folders: { 'Users/alice': '7' } }, alice, 'bob@ex.test'),
      'nothing proves it',
    ],
    ['unreachable, yet', where(spaces(['Users/']), { folders: {} }, alice), 'nothing is shown'],
    [
      'Users/jean^dupont',
      where(spaces(['Users/']), { folders: { 'Users/jean^dupont': '7' } }, 'jean.dupont', 'bob', '7'),
      'dots',
    ],
    ['unreachable', where(spaces(['Users/']), { folders: {} }, 'a/b', 'bob'), 'a login that is torn apart'],
    [
      `Users/${alice}/INBOX`,
      where(spaces(['Users/']), { folders: { [`Users/${alice}`]: '7', [`Users/${alice}/INBOX`]: '7' } }, alice),
      'an INBOX of its own below',
    ],
  ];
  for (const [wanted, found, why] of rows) t.equal(await found, wanted, why);
  await t.rejects(where(spaces([]), { folders: {} }, alice), { code: 'config', message: /no namespace/ });
});
