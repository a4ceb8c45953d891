/** A running sidecar with several outputs: all say the same, and nothing is in force before all do. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { must } from '../cli/desk.ts';
import { badOf, examined } from '../doctor/breakage.ts';
import { at, type Running, type Site, startSite } from './site.ts';
import { askSender, senderAnswer, submissionAs } from './submission.ts';

let site: Site;
let sidecar: Running;
/** While this file is there, the reader of the file can't be told. */
let fails: string;
const beside = (name: string) => path.join(site.lab.directory, name);

t.before(async () => {
  const directory = t.testdir({});
  const teller = path.join(directory, 'teller');
  fails = path.join(directory, 'fails');
  writeFileSync(teller, '#!/bin/sh\n[ ! -e "$1" ] || { echo no reader >&2; exit 1; }\n');
  chmodSync(teller, 0o755);
  site = await startSite({
    users: ['alice', 'bob'],
    senderMap: 'socketmap',
    extraToml: `kind = ["postfix-sqlite", "file", "socketmap"]
file_format = "exim"
file_path = "senders"
file_reload = ["${teller}", "${fails}"]
socketmap_path = "sender.sock"
[schedule]
retry_min_seconds = 1
retry_max_seconds = 1`,
  });
  await site.register('alice', 'bob');
  sidecar = await site.run();
  await site.settled();
});
t.teardown(() => site?.stop());

/** Who may use alice's address, as each output has it: the map, the file, and Postfix by the socketmap. */
async function outputs() {
  const map = openSenderMap(site.lab.senderDirectory, { readonly: true });
  const inMap = map.all().filter(({ address }) => address === at('alice'));
  map.close();
  const line = /^alice@lab\.test: (.*)$/m.exec(readFileSync(beside('senders'), 'utf8'))?.[1] ?? '';
  return {
    map: inMap.map(({ login }) => login),
    file: line.split(', '),
    bob: (await senderAnswer(site, 'bob', at('alice'))).code,
  };
}
const GRANTED = { map: [at('alice'), at('bob')], file: [at('alice'), at('bob')], bob: 250 };
const REVOKED = { map: [at('alice')], file: [at('alice')], bob: 553 };

/** How many delegations have come into force, gone out of it and ended, as the audit trail has it. */
async function counts() {
  const trail: readonly { readonly action: string }[] = JSON.parse((await site.mandat('audit', '--json')).stdout);
  const of = (what: string) => trail.filter(({ action }) => action === what).length;
  return { inForce: of('in-force'), withdrawn: of('withdrawn'), ended: of('ended') };
}

t.test('a grant and a revoke are in every output when the command returns', async (t) => {
  t.same(await outputs(), REVOKED);
  await must(site.mandat('grant', at('alice'), at('bob')));
  t.same(await outputs(), GRANTED);
  const session = await submissionAs(site, 'bob');
  t.equal((await askSender(session, at('alice+liste'))).code, 250, 'an extension of hers as well');
  await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));
  t.equal((await askSender(session, at('alice'))).code, 553, 'in a session that was open');
  session.close();
  t.same(await outputs(), REVOKED);
});

t.test('an output that can’t follow: the mailbox is closed all the same, and nothing is called in force', async (t) => {
  await must(site.mandat('grant', at('alice'), at('bob')));
  const before = await counts();
  writeFileSync(fails, '');
  await site.sql(`DELETE FROM delegation`);
  await waitFor('the failure to be recorded', 15_000, async () => {
    const { stdout } = await site.mandat('status');
    return /the file \S*senders does not have the sender rules yet: \S*teller failed.*no reader/.test(stdout);
  });
  t.match(await outputs(), { map: [at('alice')], bob: 553 }, 'the others have it');
  const imap = await site.login('alice');
  t.notMatch((await imap.send('GETACL INBOX')).lines.join(), /bob/, 'and the mailbox is closed to them');
  imap.close();
  t.same(await counts(), before, 'but it is not called withdrawn, and has not ended');
  t.equal((await site.sql('SELECT count(*) FROM pending')).trim(), '1');
  rmSync(fails);
  await site.settled();
  t.same(await outputs(), REVOKED);
  t.same(await counts(), { ...before, withdrawn: before.withdrawn + 1, ended: before.ended + 1 });
});

t.test('a grant that an output can’t follow is not in force', async (t) => {
  const before = await counts();
  writeFileSync(fails, '');
  const { status, stderr } = await site.mandat('grant', at('alice'), at('bob'), '--wait', '3');
  t.not(status, 0);
  t.match(stderr, /does not have the sender rules yet/);
  t.same(await counts(), before, 'nor is it recorded as if it were');
  rmSync(fails);
  await site.settled();
  t.same(await outputs(), GRANTED);
  t.same(await counts(), { ...before, inForce: before.inForce + 1 });
});

t.test('the doctor', async (t) => {
  const lines = await examined(site);
  t.match(lines.get('sender file'), { status: 'ok', seen: /for exim, as published/ });
  t.match(lines.get('socketmap'), { status: 'ok' });
  t.match(lines.get('Postfix maps'), { status: 'ok' });
  t.match(lines.get('Postfix lookups'), { status: 'ok' });
  const before = readFileSync(beside('senders'), 'utf8');
  const cases: readonly (readonly [why: string, spoil: () => void, says: RegExp])[] = [
    ['another content', () => writeFileSync(beside('senders'), '# old\n'), /does not say what is published/],
    ['a mode', () => chmodSync(beside('senders'), 0o600), /can't read it/],
    ['another mode', () => chmodSync(beside('senders'), 0o666), /others may write/],
    ['gone', () => rmSync(beside('senders')), /is not there/],
  ];
  for (const [why, spoil, says] of cases) {
    spoil();
    t.match((await examined(site)).get('sender file'), { status: 'fail', seen: says }, why);
    if (existsSync(beside('senders'))) {
      writeFileSync(beside('senders'), before);
      chmodSync(beside('senders'), 0o640);
    }
  }
  await must(site.mandat('sync', at('alice')));
  t.match((await examined(site)).get('sender file'), { status: 'ok' }, 'the next pass mends it');
});

t.test(
  'a configuration reread: another file, another socket; one that can’t be used leaves all as it is',
  async (t) => {
    const before = readFileSync(site.configFile, 'utf8');
    const reread = async (text: string, says: RegExp) => {
      const count = sidecar.log().length;
      writeFileSync(site.configFile, text);
      process.kill(sidecar.pid, 'SIGHUP');
      await waitFor('it to be reread', 10_000, () =>
        sidecar
          .log()
          .slice(count)
          .some(({ msg }) => says.test(String(msg))),
      );
    };
    await reread(before.replace('"sender.sock"', '"no/such/place.sock"'), /old one stays/);
    t.same(await outputs(), GRANTED, 'still answered');
    await reread(before.replace('"senders"', '"others"'), /configuration reread/);
    await waitFor('the other file', 10_000, () => existsSync(beside('others')));
    t.match(readFileSync(beside('others'), 'utf8'), /^alice@lab\.test: alice@lab\.test, bob@lab\.test$/m);
    await reread(before, /configuration reread/);
  },
);

t.test('no sidecar: Postfix defers who is asked about, and says neither yes nor no', async (t) => {
  t.equal(await sidecar.end(), 0);
  t.notOk(existsSync(beside('run/sender.sock')));
  for (const from of ['alice', 'bob']) {
    t.match(await senderAnswer(site, 'bob', at(from)), { code: 451, text: /^4\.3\.0 <.*>: Temporary lookup failure$/ });
  }
  t.match(badOf(await examined(site)), { socketmap: 'fail' });
  sidecar = await site.run();
  t.same(await outputs(), GRANTED);
  await sidecar.end('SIGKILL');
  t.equal((await senderAnswer(site, 'bob', at('alice'))).code, 451, 'killed, its socket left behind');
  sidecar = await site.run();
  t.same(await outputs(), GRANTED, 'the next one takes its place');
  const log = readFileSync(site.lab.logs().postfix, 'utf8');
  t.same(
    log.split('\n').filter((line) => /fatal|panic|killed by|throttling/.test(line) && !/postmap/.test(line)),
    [],
    'no process of Postfix ended by it (postmap is the doctor)',
  );
});
