/** `[sessions] kind = "command"` on a real server: cut, proven, and told where it can't be. doveadm's own commands serve as the programs. R49. */
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { editConfig } from './configure.ts';
import { sync } from './inside.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { seen, sharedName } from './wire.ts';

const LIMIT_MS = 60_000;
const INBOX = `"${sharedName('alice', 'INBOX')}"`;

interface Programs {
  readonly end?: string;
  /** Null: none is configured. */
  readonly list?: string | null;
}

/** A site whose two programs can be changed while it stands. */
async function siteWith(t: Test, first: Programs = {}) {
  const site = await startSite({
    reuse: false,
    users: ['alice', 'bob'],
    postfix: false,
    extraToml: '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1',
  });
  t.teardown(() => site.stop());
  const file = (name: string) => path.join(site.lab.directory, name);
  const doveadm = `doveadm -c ${file('dovecot/dovecot.conf')}`;
  const END = `${doveadm} kick "$1" >/dev/null; [ $? = 0 -o $? = 68 ]`;
  const LIST = `${doveadm} -f flow who -1 "$1" | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p'`;
  const program = async ({ end = END, list = LIST }: Programs) => {
    for (const [name, body] of Object.entries({ end, list: list ?? 'exit 9' })) {
      await writeFile(file(`${name}-sessions`), `#!/bin/sh\n[ $# = 1 ] || exit 8\n${body}\n`);
      await chmod(file(`${name}-sessions`), 0o755);
    }
  };
  await program(first);
  const list = first.list === null ? '' : `list_command = ["${file('list-sessions')}"]`;
  await editConfig(site, (toml) =>
    toml.replace(
      /^url = .*doveadm.*$/m,
      `kind = "command"\nend_command = ["${file('end-sessions')}", "{login}"]\n${list}\ntimeout_seconds = 3`,
    ),
  );
  await site.register('alice', 'bob');
  return { site, program };
}

async function reading(site: Site) {
  const bob = await site.login('bob');
  const { status, text } = await bob.command(`SELECT ${INBOX}`);
  if (status !== 'OK') throw new Error(`bob can't open it: ${text}`);
  return bob;
}

t.test('a session that is open at the revoke ends, and is seen to', async (t) => {
  const { site } = await siteWith(t);
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  const bob = await reading(site);
  const revoked = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
  t.match(revoked, { status: 0, stdout: /verified: they see nothing any more/ });
  t.match(await bob.waitForBye(LIMIT_MS), /\S/);
  t.match((await site.mandat('audit', 'export')).stdout, /"ended"/);
});

t.test(
  'a program that ends nothing, fails, hangs or says rubbish: not verified, with its words; then it is mended',
  async (t) => {
    const { site, program } = await siteWith(t);
    const rows: readonly (readonly [Programs, RegExp])[] = [
      [{ end: 'exit 0' }, /a session of bob@lab\.test that .*end-sessions was told to end goes on \(\d+\)/],
      [{ end: 'echo sorry >&2; exit 1' }, /end the sessions of bob@lab\.test: exit status 1 \(sorry\)/],
      [{ end: 'sleep 1000' }, /no end within 3 s/],
      [{ list: 'echo "Warning: nothing here"' }, /no list of the sessions of bob@lab\.test/],
      [{ list: 'exit 4' }, /show the sessions of bob@lab\.test: exit status 4/],
      [{ list: 'yes' }, /prints without end/],
    ];
    for (const [programs, said] of rows) {
      await program({});
      await grantRow(site, 'alice', 'bob');
      t.same((await sync(site)).failures, []);
      const bob = await reading(site);
      await program(programs);
      const revoked = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
      t.not(revoked.status, 0, said.source);
      t.notMatch(revoked.stdout, /verified: they see nothing/);
      t.match(`${revoked.stdout}${revoked.stderr}`, said);
      t.same(await seen(site, 'alice', 'bob'), {}, 'a new login sees nothing');
      t.match(await site.mandat('status'), { status: 1, stdout: said }, 'status says so');
      await program({});
      // Three seconds are little for a program on a busy machine: what failed for that is tried again, as the sidecar would.
      await waitFor('it is mended', LIMIT_MS, async () => (await sync(site)).failures.length === 0);
      t.match(await bob.waitForBye(LIMIT_MS), /\S/);
    }
  },
);

t.test('without list_command: cut, and not said to be proven', async (t) => {
  const { site } = await siteWith(t, { list: null });
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  const bob = await reading(site);
  const revoked = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
  t.match(revoked, { status: 0, stdout: /verified for new logins only/, stderr: /was not seen: list_command/ });
  t.match(await bob.waitForBye(LIMIT_MS), /\S/);
});

t.test('doctor runs them for a login that nobody has', async (t) => {
  const { site, program } = await siteWith(t);
  const finding = async () => {
    const { stdout } = await site.mandat('--json', 'doctor');
    const lines = JSON.parse(stdout) as { checks?: readonly { check: string; status: string; seen: string }[] };
    return (lines.checks ?? (lines as never)).find(({ check }) => check === 'session commands');
  };
  t.match(await finding(), { status: 'ok' });
  await program({ list: 'echo 1' });
  t.match(await finding(), { status: 'fail', seen: /names 1 sessions of .*nobody/ });
  await program({ end: 'exit 7' });
  t.match(await finding(), { status: 'fail', seen: /7/ });
});
