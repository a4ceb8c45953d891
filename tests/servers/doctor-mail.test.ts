/** The doctor's mail: a message from outside and one through submission, seen in the probe mailbox and taken away; and what it says where mail doesn't flow. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { examine, type Line } from '../../bridge/doctor/examine.ts';
import { dovecotConf, type Lines, postfixDirectory } from '../doctor/breakage.ts';
import { configOf } from './inside.ts';
import { at, password, type Site, startSite } from './site.ts';
import { withLogin } from './wire.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob'], filter: true, chroot: false });
  await site.register('alice', 'bob');
  await site.register('bob');
  await site.run();
  await site.mandat('sync');
});
t.teardown(() => site?.stop());

async function examined(secret = password('bob')): Promise<Lines> {
  const lines = await examine(
    configOf(site),
    {},
    {
      probe: at('alice'),
      probeAs: at('bob'),
      probePassword: () => secret,
      smtp: site.lab.smtp,
      submission: site.lab.submission,
      dovecotConfig: dovecotConf(site),
      postfixConfig: postfixDirectory(site),
    },
  );
  return new Map(lines.map((line) => [line.check, line]));
}

const outside = (lines: Lines) => lines.get('message from outside') as Line;
const submitted = (lines: Lines) => lines.get('message submitted') as Line;

async function messages(): Promise<string> {
  return withLogin(site, 'alice', async (imap) => (await imap.command('STATUS INBOX (MESSAGES)')).lines.join());
}

/** With master.cf so, for a moment. */
async function withMaster<T>(change: (text: string) => string, work: () => Promise<T>): Promise<T> {
  const file = path.join(postfixDirectory(site), 'master.cf');
  const before = readFileSync(file, 'utf8');
  const put = async (text: string) => {
    writeFileSync(file, text);
    await site.lab.stopPostfix();
    await site.lab.startPostfix();
  };
  const after = change(before);
  if (after === before) throw new Error('nothing was changed');
  await put(after);
  try {
    return await work();
  } finally {
    await put(before);
  }
}

t.test('where mail flows', async (t) => {
  const before = await messages();
  const lines = await examined();
  t.match(outside(lines), {
    status: 'ok',
    seen: /was in the INBOX of alice@lab\.test after \d+ ms, and was taken away again/,
  });
  t.match(submitted(lines), { status: 'ok', seen: /of bob@lab\.test, submitted at .*taken away again/ });
  t.equal(await messages(), before, 'nothing of it is left');
});

t.test('without what it needs it says so', async (t) => {
  const lines = await examine(
    configOf(site),
    {},
    { dovecotConfig: dovecotConf(site), postfixConfig: postfixDirectory(site) },
  );
  const found = new Map(lines.map((line) => [line.check, line]));
  t.match(outside(found), { status: 'skipped', seen: /--probe MAILBOX/ });
  t.match(submitted(found), { status: 'skipped', seen: /--probe-password-file/ });
  t.match(submitted(await examined('wrong')), { status: 'fail', seen: /refuses the login of bob@lab\.test: 535/ });
});

t.test('no filter runs: every submission is put off', async (t) => {
  await site.stopSidecars();
  const lines = await examined();
  t.match(outside(lines), { status: 'ok' }, 'mail from outside is none of its affair');
  t.match(submitted(lines), { status: 'fail', seen: /can't send: .*451/ });
  await site.run();
});

t.test('the lines of the submission service fell to port 25', async (t) => {
  const fallen = (text: string) => {
    const lines = text.split('\n');
    const own = lines.filter((line) =>
      /^ {2}-o smtpd_(?:relay_restrictions|client_restrictions)=permit_sasl_authenticated,reject/.test(line),
    );
    return text.replace(/^(127\.0\.0\.1:\d+ +inet .*smtpd)$/m, `$1\n${own.join('\n')}`);
  };
  const lines = await withMaster(fallen, examined);
  t.match(outside(lines), { status: 'fail', seen: /refuses mail from outside at RCPT: 5/, remedy: /master\.cf/ });
});

t.test('nobody is asked whose address it is', async (t) => {
  const open = (text: string) =>
    text.replace(/^ +-o smtpd_sender_restrictions=.*$/m, '').replace(/^ +-o smtpd_proxy_filter=unix.*$/m, '');
  const lines = await withMaster(open, examined);
  t.match(submitted(lines), { status: 'fail', seen: /may send as .*, whom nobody has/ });
  await site.settled();
});

t.test('at the command line, the password from a file that nobody else reads', async (t) => {
  const file = path.join(site.lab.directory, 'probe.secret');
  const { smtp, submission } = site.lab;
  const doctor = () =>
    site.mandat(
      'doctor',
      '--probe',
      at('alice'),
      '--probe-as',
      at('bob'),
      '--probe-password-file',
      file,
      '--smtp',
      `${smtp.host}:${smtp.port}`,
      '--submission',
      `${submission.host}:${submission.port}`,
      '--dovecot-config',
      dovecotConf(site),
      '--postfix-config',
      postfixDirectory(site),
    );
  t.match(await doctor(), { status: 2, stderr: /does not exist/ });
  writeFileSync(file, `${password('bob')}\n`, { mode: 0o644 });
  t.match(await doctor(), { status: 2, stderr: /mode 644/ });
  writeFileSync(file, '');
  chmodSync(file, 0o600);
  writeFileSync(file, `${password('bob')}\n`);
  const said = await doctor();
  t.match(said.stdout, /^ok +message from outside/m);
  t.match(said.stdout, /^ok +message submitted/m);
  t.notMatch(said.stdout + said.stderr, new RegExp(password('bob')));
});
