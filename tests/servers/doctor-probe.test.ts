import { spawn } from 'node:child_process';
import t from 'tap';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import type { RawImap } from '../../config/lab/raw-imap.ts';
import { builtMandat } from '../cli/built.ts';
import { type Bad, badOf, dovecotConf, examined, type Lines, type Mend, rewritten } from '../doctor/breakage.ts';
import { routeDoveadmThrough } from './configure.ts';
import { startDoveadmProxy } from './doveadm-proxy.ts';
import { commandOf, type Decide, routeThrough, startProxy } from './imap-proxy.ts';
import { at, type Site, startSite } from './site.ts';
import { serverFiles } from './wire.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob'], postfix: false, senderRules: false });
  await site.register('alice', 'bob');
  const alice = await site.login('alice');
  await alice.command(`SETACL INBOX ${at('bob')} lr`);
  await alice.command('CREATE Projets');
  alice.close();
});
t.teardown(() => site?.stop());

const ALWAYS: Bad = { sidecar: 'warn', 'sender rules': 'warn' };
const probe = at('alice');

async function asAlice<T>(work: (imap: RawImap) => Promise<T>): Promise<T> {
  const imap = await site.login('alice');
  try {
    return await work(imap);
  } finally {
    imap.close();
  }
}

/** Everything of a doctor's that there is in alice's mailbox: entries, folders, subscriptions. */
function traces(): Promise<string[]> {
  return asAlice(async (imap) => {
    const answers = await Promise.all(['GETACL INBOX', 'LIST "" "*"', 'LSUB "" "*"'].map((line) => imap.command(line)));
    return answers.flatMap(({ lines }) => lines).filter((line) => line.includes('mandat-doctor'));
  });
}

/** What mandat writes through: who shares with whom, entries, subscriptions; without the times of their files. */
function written(): Record<string, string> {
  const files = Object.entries(serverFiles(site));
  return Object.fromEntries(files.map(([name, text]) => [name, text.slice(text.indexOf('\n'))]));
}

const DOVECOT = {
  '2.3': {
    slowAndNarrow: ['plugin {', '  acl = vfile', '  acl_defaults_from_inbox = no', '}'],
    saysCache: /^warn: .*goes on.*\(tried with --probe\).*cache_secs=0/,
    everybody: (mail: string) => [
      'passdb {\n  driver = static\n  args = nopassword=y\n}',
      `userdb {\n  driver = static\n  args = allow_all_users=yes uid=mail gid=mail home=${mail}/%u\n}`,
    ],
    lostMap: ['plugin {', '  acl_shared_dict = file:/nonexistent/shared.db', '}'],
    saysMap: /acl_shared_dict/,
    saysGoesOn: /Dovecot's log/,
  },
  '2.4': {
    slowAndNarrow: ['acl_cache_ttl = 30s', 'acl_defaults_from_inbox = no'],
    // Whatever acl_cache_ttl says, MYRIGHTS and SELECT are answered anew (2.4.1).
    saysCache: /^ok: .*at once.*\(tried with --probe\)/,
    everybody: (mail: string) => [
      'passdb everybody {\n  driver = static\n  fields {\n    nopassword = yes\n  }\n}',
      `userdb everybody {\n  driver = static\n  static_allow_all_users = yes\n  fields {\n    uid = mail\n    gid = mail\n    home = ${mail}/%{user}\n  }\n}`,
    ],
    lostMap: ['acl_sharing_map {', '  dict file {', '    path = /nonexistent/shared.db', '  }', '}'],
    saysMap: /acl_sharing_map/,
    saysGoesOn: /srv\.imap.*sessions\.conf/,
  },
}[dovecotVersion()];

async function inDovecot(...lines: readonly string[]): Promise<Mend> {
  const mend = await rewritten(dovecotConf(site), (text) => `${text}\n${lines.join('\n')}\n`);
  await restart();
  return async () => {
    await mend();
    await restart();
  };
}

async function restart(): Promise<void> {
  await site.lab.stopDovecot();
  await site.lab.startDovecot();
}

/** The doctor, with a proxy between it and Dovecot. */
async function throughProxy(decide: Decide, work: () => Promise<void>): Promise<void> {
  const proxy = await startProxy(site.lab.imap, decide);
  await routeThrough(site, proxy);
  try {
    await work();
  } finally {
    await routeThrough(site, site.lab.imap);
    await proxy.close();
  }
}

const seen = (lines: Lines, check: string) => {
  const { status, seen = '', remedy = '' } = lines.get(check) ?? {};
  return `${status}: ${seen} -> ${remedy}`;
};

t.test('what is tried, and that nothing of it stays', async (t) => {
  const before = written();
  const lines = await examined(site, { probe });
  t.same(badOf(lines), ALWAYS);
  t.match(seen(lines, 'probe'), /^ok: mandat-doctor-\S+, .* taken away again/);
  t.match(seen(lines, 'inheritance'), /^ok: .*tried with --probe/);
  t.match(seen(lines, 'ACL cache'), /^ok: .*tried with --probe/);
  t.same(await traces(), []);
  t.same(written(), before, 'entries, subscriptions and the list of shares are as they were');
});

t.test('without a probe nothing is written', async (t) => {
  const before = serverFiles(site);
  const lines = await examined(site);
  t.match(seen(lines, 'probe'), /^skipped: .*--probe/);
  t.same(serverFiles(site), before);
});

t.test('a server that inherits nothing, and keeps rights for half a minute', async (t) => {
  const mend = await inDovecot(...DOVECOT.slowAndNarrow);
  const lines = await examined(site, { probe });
  t.match(seen(lines, 'inheritance'), /^warn: .*INBOX alone \(tried with --probe\).*inherit\.conf/);
  t.match(seen(lines, 'ACL cache'), DOVECOT.saysCache);
  t.match(seen(lines, 'probe'), /^ok/);
  t.same(await traces(), []);
  await mend();
});

t.test('a server where everybody has an account gets no entry', async (t) => {
  const mend = await inDovecot(...DOVECOT.everybody(`${site.lab.directory}/mail`));
  const before = written();
  const lines = await examined(site, { probe });
  t.match(seen(lines, 'probe'), /^fail: the server opens a mailbox for mandat-doctor-.*no entry was given.*userdb/);
  t.match(seen(lines, 'inheritance'), /^ok: .*doveconf/, 'what can be read is still read');
  const strangers = Object.entries(written()).filter(([name]) => !name.includes('mandat-doctor'));
  t.same(Object.fromEntries(strangers), before);
  await mend();
});

t.test('a connection lost at any step is undone on another', async (t) => {
  for (const command of ['SETACL', 'CREATE', 'GETACL', 'MYRIGHTS', 'DELETE', 'DELETEACL']) {
    let writes = false; // before that nothing is to be undone, and the proof of identity asks GETACL too
    let lost = 0;
    await throughProxy(
      (line) => {
        writes ||= commandOf(line) === 'SETACL';
        if (!writes || lost > 0 || commandOf(line) !== command) return 'pass';
        lost += 1;
        return 'drop';
      },
      async () => {
        const lines = await examined(site, { probe });
        t.equal(lost, 1, `lost at ${command}`);
        const found = command.startsWith('DELETE') ? /^ok/ : /^fail: .*ended the connection/;
        t.match(seen(lines, 'probe'), found, `${command}: what is found`);
      },
    );
    t.same(await traces(), [], `${command}: nothing stays`);
  }
});

t.test('what can not be undone is named, with the commands that do it', async (t) => {
  let gone = false;
  await throughProxy(
    (line) => {
      gone ||= commandOf(line) === 'CREATE';
      return gone ? 'drop' : 'pass';
    },
    async () => {
      const lines = await examined(site, { probe });
      t.match(
        seen(lines, 'probe'),
        /^fail: mandat-doctor-\S+ could not be taken out .*doveadm acl delete -u alice@lab\.test INBOX/,
      );
    },
  );
  t.match(await traces(), [/ACL INBOX .*mandat-doctor/], 'the entry stands indeed');
  const [, name] = /(mandat-doctor-\S+) l\b/.exec((await traces())[0] ?? '') ?? [];
  await asAlice((imap) => imap.command(`DELETEACL INBOX ${name}`));
});

t.test('what a killed doctor left behind is cleared by the next, but not what one at work has made', async (t) => {
  const name = (ago: number) => `mandat-doctor-${(Date.now() - ago).toString(36)}-0123abcd`;
  const [old, recent] = [name(3_600_000), name(1_000)];
  await asAlice(async (imap) => {
    for (const one of [old, recent]) {
      await imap.command(`SETACL INBOX ${one} l`);
      await imap.command(`CREATE ${one}`);
    }
  });
  t.match(seen(await examined(site, { probe }), 'probe'), new RegExp(`so was ${old}`));
  const left = (await traces()).join('\n');
  t.notMatch(left, old);
  t.match(left, recent);
  await asAlice(async (imap) => {
    await imap.command(`DELETE ${recent}`);
    await imap.command(`DELETEACL INBOX ${recent}`);
  });
  t.same(await traces(), []);
});

t.test('a signal waits until all is undone', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    let doctor: ReturnType<typeof spawn> | undefined;
    let told = false;
    await throughProxy(
      (line) => {
        if (commandOf(line) === 'CREATE') told = doctor?.kill(signal) === true;
        return 'pass';
      },
      async () => {
        const [file = '', ...first] = await builtMandat();
        const args = [
          ...first,
          '--config',
          site.configFile,
          'doctor',
          '--probe',
          probe,
          '--smtp',
          `127.0.0.1:${site.lab.smtp.port}`,
        ];
        doctor = spawn(file, args, { stdio: 'ignore' });
        const ended = await new Promise((resolve) => doctor?.once('exit', (_, by) => resolve(by)));
        t.ok(told, 'it was told in the middle');
        t.equal(ended, signal, 'and ended by it');
      },
    );
    t.same(await traces(), [], `${signal}: nothing stays`);
  }
});

t.test('a folder is shared with a second account, which lists and opens it, and is cut', async (t) => {
  const options = { probe, probeAs: at('bob') };
  const before = written();
  const lines = await examined(site, options);
  t.match(lines.get('sharing'), {
    status: 'ok',
    seen: /listed to them and opened; their session was cut, and has ended, as it said itself and as "who" shows/,
  });
  t.same(await traces(), []);
  t.same(written(), before, 'nothing of it stays');
  t.match((await examined(site, { probe })).get('sharing'), { status: 'skipped', seen: /--probe-as/ });
  t.match((await examined(site, { probe, probeAs: probe })).get('sharing'), { status: 'fail', seen: /the same/ });
  const gone = (await examined(site, { probe, probeAs: at('nobody') })).get('sharing');
  t.match(gone, { status: 'fail', seen: /no account nobody@lab\.test/ });
  t.same(await traces(), []);
});

t.test('one that the second account is not shown, although it may open it', async (t) => {
  const mend = await inDovecot(...DOVECOT.lostMap);
  t.teardown(mend);
  const line = (await examined(site, { probe, probeAs: at('bob') })).get('sharing');
  t.match(line, { status: 'fail', seen: /isn't listed to them/, remedy: DOVECOT.saysMap });
  t.same(await traces(), []);
});

t.test('a cut that Dovecot 2.4, as it comes, answers and does not make', async (t) => {
  if (dovecotVersion() === '2.3') return void t.pass('2.3 ends the process');
  const mend = await inDovecot('service imap {', '  unix_listener "srv.imap/%{pid}" {', '    mode = 0600', '  }', '}');
  t.teardown(mend);
  const lines = await examined(site, { probe, probeAs: at('bob') });
  t.match(lines.get('sharing'), { status: 'fail', seen: /goes on after it was cut/, remedy: DOVECOT.saysGoesOn });
  t.match(lines.get('cut'), { status: 'fail' });
  t.same(await traces(), []);
});

t.test('a cut that does nothing, or of which nobody can see what it does', async (t) => {
  const options = { probe, probeAs: at('bob') };
  const proxy = await startDoveadmProxy(site.lab.doveadm.url);
  const direct = Number(new URL(site.lab.doveadm.url).port);
  t.teardown(async () => {
    await routeDoveadmThrough(site, { port: direct });
    await proxy.close();
  });
  await routeDoveadmThrough(site, proxy);
  proxy.lying = true;
  const goesOn = (await examined(site, options)).get('sharing');
  t.match(goesOn, { status: 'fail', seen: /goes on after it was cut/, remedy: DOVECOT.saysGoesOn });
  proxy.lying = false;
  proxy.ghost = { pid: '2147483647', times: Number.POSITIVE_INFINITY };
  t.match((await examined(site, options)).get('sharing'), {
    status: 'fail',
    seen: /has ended, and "who" shows it still/,
  });
  proxy.ghost = undefined;
  proxy.blind = true;
  t.match((await examined(site, options)).get('sharing'), { status: 'fail', seen: /not in "who" while it was open/ });
  proxy.blind = false;
  t.match((await examined(site, options)).get('sharing'), { status: 'ok' });
  await routeDoveadmThrough(site, { port: direct });

  const mend = await inDovecot('doveadm_allowed_commands = kick');
  const unseen = (await examined(site, options)).get('sharing');
  t.match(unseen, { status: 'warn', seen: /nobody could see that/, remedy: /kick,who/ });
  await mend();
  t.same(await traces(), []);
});
