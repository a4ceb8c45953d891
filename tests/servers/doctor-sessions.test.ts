import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { type Breakage, breakEach, dovecotConf, examined, type Mend, rewritten } from '../doctor/breakage.ts';
import { type Site, startSite } from './site.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ reuse: false, users: ['alice', 'bob'], postfix: false, senderRules: false });
  await site.register('alice', 'bob');
});
t.teardown(() => site?.stop());

/** The list of allowed commands, in a Dovecot started anew. */
const allowed = (commands: string) => inDovecot(`doveadm_allowed_commands = ${commands}`);

function inDovecot(lines: string) {
  return async (on: Site): Promise<Mend> => {
    const restart = async () => {
      await on.lab.stopDovecot();
      await on.lab.startDovecot();
    };
    const mend = await rewritten(dovecotConf(on), (text) => `${text}\n${lines}\n`);
    await restart();
    return async () => {
      await mend();
      await restart();
    };
  };
}

const url = (wanted: string) => (on: Site) =>
  rewritten(on.configFile, (text) => text.replace(/^url = .*$/m, `url = "${wanted}"`));

const ELSEWHERE = { dovecotConfig: '/nowhere/dovecot.conf' };

/** 2.3 has no such question, and a kick ends the process. */
const IN_VAIN: readonly Breakage[] = [
  {
    what: 'processes that are asked whether they still serve that user, as they come',
    break: inDovecot('service imap {\n  unix_listener "srv.imap/%{pid}" {\n    mode = 0600\n  }\n}'),
    bad: { cut: 'fail' },
    says: /srv\.imap.*go on reading.*config\/dovecot\/2\.4\/sessions\.conf/,
  },
  {
    what: 'processes that serve several, and may not be asked',
    break: inDovecot('service imap {\n  client_limit = 5\n  restart_request_count = unlimited\n}'),
    bad: { cut: 'fail' },
    says: /client_limit above 1/,
  },
];

const BREAKAGES: readonly Breakage[] = [
  ...(dovecotVersion() === '2.4' ? IN_VAIN : []),
  {
    what: 'no [sessions]',
    break: (on) => rewritten(on.configFile, (text) => text.replace(/^\[sessions\]\nurl = .*$/m, '')),
    bad: { 'session cutting': 'warn', 'session limit': 'warn' },
    says: /outlive the revoke.*sessions\.conf/,
  },
  {
    what: 'another key than the server has',
    break: (on) => {
      const file = path.join(on.lab.directory, 'doveadm.secret');
      const before = readFileSync(file);
      writeFileSync(file, 'wrong\n');
      return () => writeFileSync(file, before);
    },
    bad: { who: 'fail' },
    says: /refused the API key.*sessions\.api_key_file/,
  },
  {
    what: 'nobody listens there',
    break: url('http://127.0.0.1:1/doveadm/v1'),
    bad: { who: 'fail' },
    says: /can't be reached.*sessions\.url/,
  },
  {
    what: 'something else answers there',
    break: async (on) => {
      const other = createServer((_, response) => response.end('<h1>It works!</h1>'));
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const mend = await url(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`)(on);
      return async () => {
        await mend();
        other.closeAllConnections();
        other.close();
      };
    },
    bad: { who: 'fail' },
    says: /not doveadm's HTTP API.*doveadm\/v1/,
  },
  {
    what: 'the key may not see who is connected',
    break: allowed('kick'),
    bad: { who: 'fail' },
    says: /unAuthorized.*kick,who/,
  },
  {
    what: 'the key may not end sessions',
    break: allowed('who'),
    bad: { kick: 'fail' },
    says: /may not end sessions: unAuthorized.*kick,who/,
  },
  {
    what: 'the key may do everything',
    break: allowed(''),
    bad: { "doveadm key's reach": 'warn' },
    says: /may do everything.*opens every mailbox/,
  },
  {
    what: 'the key may do everything, seen from elsewhere',
    break: allowed(''),
    options: ELSEWHERE,
    bad: { "doveadm key's reach": 'warn' },
    says: /may also do mailboxList.*opens every mailbox/,
  },
  {
    what: 'the key may fetch mail',
    break: allowed('kick,who,fetch'),
    bad: { "doveadm key's reach": 'warn' },
    says: /may also do fetch \(doveconf/,
  },
  {
    what: 'the key may fetch mail, seen from elsewhere',
    break: allowed('kick,who,fetch'),
    options: ELSEWHERE,
    bad: { "doveadm key's reach": 'warn' },
    says: /may also do (search|fetch)/,
  },
];

t.test('each broken in turn', (t) => breakEach(t, site, BREAKAGES, { sidecar: 'warn', 'sender rules': 'warn' }));

t.test('nobody is kicked, and nobody is read', async (t) => {
  const bob = await site.login('bob');
  await bob.command('SELECT INBOX');
  await examined(site);
  t.equal((await bob.command('NOOP')).status, 'OK', 'their session goes on');
  bob.close();
  const log = readFileSync(site.lab.logs().dovecot, 'utf8');
  t.notMatch(log, /Executing command '\w+' as '(alice|bob)/, 'no doveadm command was run on anybody');
});
