/** Events as Dovecot 2.3.19 and 2.4.1 sent them (dovecot-*.jsonl), and texts that are none. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { LARGEST_EVENT, readServerEvent, type ServerEvent } from '../../bridge/events/server-event.ts';

const lines = (version: string, name = 'dovecot') =>
  readFileSync(new URL(`${name}-${version}.jsonl`, import.meta.url), 'utf8')
    .trim()
    .split('\n');
const read = (version: string) => lines(version).map(readServerEvent);
const events = (version: string) => read(version).filter((one): one is ServerEvent => typeof one !== 'string');

for (const version of ['2.3', '2.4']) {
  t.test(`Dovecot ${version}`, async (t) => {
    const all = events(version);
    const of = (command: string, more: Partial<ServerEvent> = {}) =>
      all.filter((one) =>
        Object.entries({ command, ...more }).every(([key, value]) => one[key as keyof ServerEvent] === value),
      );
    t.same(
      read(version).filter((one) => typeof one === 'string'),
      ['other', 'other'],
      'the end of an IMAP session and a dict event are of another kind',
    );
    t.match(of('CREATE')[0], {
      kind: 'command',
      user: 'alice@lab.test',
      args: 'Work',
      argsCut: false,
      mailbox: 'Work',
      state: 'OK',
      reply: 'OK Create completed.',
      remoteIp: '127.0.0.1',
      bytesOut: 54,
    });
    t.match(of('CREATE')[1], { args: '"Weird \\"q\\" &AOk-t&AOk-"', mailbox: 'Weird "q" été' });
    t.match(of('RENAME'), [
      { oldMailbox: 'Work/Sub', newMailbox: 'Work/Sub2', mailbox: undefined },
      { user: 'bob@lab.test', oldMailbox: 'shared/alice@lab.test/Work/ByBob' },
    ]);
    t.match(of('SETACL')[0], { args: 'INBOX bob@lab.test lrswipte', mailbox: undefined });
    t.match(of('SETACL', { state: 'NO' }), [{ user: 'bob@lab.test', reply: /^NO \[NOPERM\] / }]);
    t.match(of('APPEND')[0], { args: 'shared/alice@lab.test <25 byte literal>', mailbox: 'shared/alice@lab.test' });
    t.match(of('UID MOVE'), [{ args: '1 shared/alice@lab.test/Work', mailbox: 'INBOX' }]);
    const fetches = all.filter(({ command }) => command.endsWith('FETCH'));
    for (const { args = '', opened } of fetches)
      t.equal(
        opened,
        args.includes('BODY.PEEK[]') || args.includes('BODY[]') ? 'body' : args.includes('ENVELOPE') ? 'header' : '',
        args,
      );
    t.match(of('UID SEARCH'), [{ args: undefined, mailbox: 'shared/alice@lab.test' }]);
    t.match(of('acl_set'), [{ kind: 'doveadm', user: 'alice@lab.test', remoteIp: '', remotePort: 0 }]);
    t.equal(of('mailbox_create').length, 1);
    t.ok(all.every(({ at }) => at > Date.parse('2026-11-29T03:00:00Z') && at < Date.parse('2026-11-29T04:00:00Z')));
    t.ok(all.filter(({ remotePort }) => remotePort > 0).length > 40);
  });
}

for (const version of ['2.3', '2.4']) {
  t.test(`logins, Dovecot ${version}`, async (t) => {
    const logins = lines(version, 'logins')
      .map(readServerEvent)
      .filter((one): one is ServerEvent => typeof one !== 'string' && one.kind === 'login');
    t.match(logins, [
      { user: 'bob@lab.test', state: 'NO', master: '', command: 'LOGIN', remoteIp: '127.0.0.1' },
      { user: 'nobody@lab.test', state: 'NO', master: '' },
      { user: 'bridge', state: 'NO', master: '' },
      { user: 'alice@lab.test', state: 'OK', master: 'bridge', args: undefined },
    ]);
    t.ok(logins.every(({ session }) => session.length > 8));
    const [line = ''] = lines(version, 'logins');
    for (const service of ['smtp', 'submission', 'lmtp', ''])
      t.equal(readServerEvent(line.replace(/"(service|protocol)":"imap"/, `"$1":"${service}"`)), 'other', service);
  });
}

t.test('what Dovecot has cut short is known to go on', async (t) => {
  const [line = ''] = lines('2.3');
  const said = (args: string) =>
    readServerEvent(line.replace('"cmd_args":"Work"', `"cmd_args":${JSON.stringify(args)}`));
  t.match(said(`${'1,'.repeat(500)}...`), { argsCut: true });
  t.match(said('é'.repeat(500).concat('...')), { argsCut: true }, 'octets, not letters');
  t.match(said('1:3 ...'), { argsCut: false });
  t.match(said(`${'1,'.repeat(600)}2 FLAGS`), { argsCut: false });
});

t.test('what people search for is kept of no command, however it is written', async (t) => {
  const [line = ''] = lines('2.3');
  const commands = [
    'SEARCH',
    'uid search',
    'UID SORT',
    'THREAD',
    'LOGIN',
    'AUTHENTICATE',
    'SETMETADATA',
    'ID',
    'LIST',
    'X',
  ];
  for (const name of commands) {
    const said = line.replace('"CREATE"', JSON.stringify(name)).replace('"Work"', '"SUBJECT Dupont"');
    t.match(readServerEvent(said), { command: name.toUpperCase(), args: undefined }, name);
  }
});

t.test('what is no event', async (t) => {
  const [line = ''] = lines('2.4');
  const changed = (change: (said: Record<string, unknown>, fields: Record<string, unknown>) => void) => {
    const said = JSON.parse(line);
    change(said, said.fields);
    return readServerEvent(JSON.stringify(said));
  };
  for (const text of [
    '',
    '{',
    line.slice(0, -1),
    `${line}${line}`,
    '[]',
    'null',
    '1',
    '"x"',
    '\0',
    `${'['.repeat(5000)}`,
  ]) {
    t.equal(readServerEvent(text), 'not JSON', text.slice(0, 20));
  }
  t.equal(readServerEvent(`{"event":"${'x'.repeat(LARGEST_EVENT)}"}`), 'too large');
  t.equal(readServerEvent('{}'), 'not an event');
  t.equal(
    changed((said) => delete said.event),
    'not an event',
  );
  t.equal(
    changed((said) => (said.event = ['imap_command_finished'])),
    'not an event',
  );
  for (const event of ['', '__proto__', 'constructor', 'toString', 'dict_set_key']) {
    t.equal(
      changed((said) => (said.event = event)),
      'other',
      event,
    );
  }
  for (const fields of [null, [], 'x', 1, undefined])
    t.equal(
      changed((said) => (said.fields = fields)),
      'not an event',
    );
  for (const user of [null, '', 7, {}, ['a'], 'x'.repeat(2000)]) {
    t.equal(
      changed((_, fields) => (fields.user = user)),
      'not an event',
      JSON.stringify(user).slice(0, 20),
    );
  }
  for (const time of [null, '', 'yesterday', -1, 1e300, {}, undefined]) {
    t.equal(
      changed((said) => (said.end_time = time)),
      'not an event',
      String(time),
    );
  }
  t.match(
    changed((said) => (said.end_time = 1795921442.25)),
    { at: 1795921442250 },
    'seconds, as time-unix says',
  );
});

t.test('every field is bounded, and of its kind', async (t) => {
  const [line = ''] = lines('2.4');
  const said = JSON.parse(line);
  const long = 'x'.repeat(20_000);
  Object.assign(said.fields, { cmd_args: long, mailbox: long, tagged_reply: long, session: long, remote_ip: long });
  Object.assign(said.fields, { tagged_reply_state: long, remote_port: -3, net_out_bytes: 1e30 });
  const event = readServerEvent(JSON.stringify({ ...said, hostname: long }));
  t.match(event, { argsCut: true, mailbox: undefined, remotePort: 0, bytesOut: 0 });
  t.ok(JSON.stringify(event).length < 12_000);
  for (const odd of [null, {}, [], 1, true]) {
    const strange = {
      cmd_name: odd,
      cmd_args: odd,
      mailbox: odd,
      session: odd,
      remote_port: String(odd),
      tagged_reply: odd,
    };
    const read = readServerEvent(JSON.stringify({ ...said, fields: { user: 'a', ...strange } }));
    t.match(read, { command: '', args: undefined, mailbox: undefined, session: '', remotePort: 0, reply: '' });
  }
});
