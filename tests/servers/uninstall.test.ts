/** mandat uninstall: every grant off, the map emptied only when nobody asks it, what is left to do by hand named; interrupted, it goes on. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import { builtMandat } from '../cli/built.ts';
import { routeThrough, startProxy } from './imap-proxy.ts';
import { configOf } from './inside.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { senderAnswer } from './submission.ts';
import { does, entries, granted, SPECIALS, seen, sorted, subscribed } from './wire.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'erin', 'bob', 'carol', 'dave'], reuse: false, chroot: false });
  await does(site, 'alice', ...SPECIALS.map((folder) => `STATUS ${folder} (MESSAGES)`));
  await does(site, 'alice', 'CREATE Projets', `SETACL Projets ${at('bob')} lr`, `SETACL INBOX ${at('dave')} lrs`);
  await site.register('alice', 'bob', 'carol');
  await site.register('erin');
  await site.sql(`INSERT INTO alias (mailbox, address) VALUES ('${at('alice')}', '${at('ali')}')`);
});
t.teardown(() => site?.stop());

const conf = (name: string) => path.join(site.lab.directory, 'postfix/conf', name);
const dovecot = () => path.join(site.lab.directory, 'dovecot/dovecot.conf');
const where = () => ['--postfix-config', conf(''), '--dovecot-config', dovecot()];
const uninstall = (...more: string[]) => site.mandat('uninstall', ...where(), ...more);
const json = async (...more: string[]) =>
  JSON.parse((await site.mandat('--json', 'uninstall', ...where(), ...more)).stdout);

/** As Postfix reads it. */
function rules(): readonly string[] {
  const map = openSenderMap(dataFiles(configOf(site).dataDir).senderDirectory, { readonly: true });
  try {
    return map.all().map(({ address, login }) => `${address} ${login}`);
  } finally {
    map.close();
  }
}

const OWNERS_RULES = [`${at('ali')} ${at('alice')}`, `${at('alice')} ${at('alice')}`, `${at('erin')} ${at('erin')}`];
const BEFORE = { INBOX: { [at('dave')]: sorted('lrs') }, Projets: { [at('bob')]: sorted('lr') } };

async function asBefore(t: Test): Promise<void> {
  const there = Object.entries(await entries(site, 'alice')).filter(([, of]) => Object.keys(of).length > 0);
  t.same(Object.fromEntries(there), BEFORE, 'what stood before is back, and nothing else');
  t.same(subscribed(site, 'alice', 'carol'), []);
  t.same(await seen(site, 'erin', 'bob'), {});
}

async function granting(t: Test): Promise<void> {
  await site.mandat('withdraw', '--undo', '--yes');
  await site.sql('DELETE FROM delegation');
  await grantRow(site, 'alice', 'bob', 'carol');
  await grantRow(site, 'erin', 'bob');
  t.match(await site.mandat('sync', '--force'), { status: 0 });
  t.same(await seen(site, 'alice', 'carol'), granted('Projets'));
}

t.test('it asks, it is for admins, and a dry run changes nothing', async (t) => {
  await granting(t);
  t.match(await uninstall(), { status: 2, stderr: /nothing was changed/ });
  t.match(await site.mandat('--as', `owner:${at('alice')}`, 'uninstall', '--yes'), { status: 3 });
  await site.mandat('pause');
  t.match(await uninstall('--yes'), { status: 3, stderr: /MANDAT_PAUSED/ });
  await site.mandat('resume');
  const all = rules();
  const { status, stdout } = await uninstall('--dry-run');
  t.equal(status, 0);
  t.match(stdout, /bob@lab\.test[\s\S]*sender map is emptied, once nobody asks it: Postfix asks it still/);
  t.match(stdout, new RegExp(`${conf('main.cf')}:\\d+: `));
  t.match(stdout, /dovecot\.conf:\d+: !include mandat\/mandat\.conf[\s\S]*nothing was changed/);
  t.same(rules(), all);
  t.same(await seen(site, 'alice', 'carol'), granted('Projets'));
});

t.test('killed at any of its changes, it goes on when it is called again', async (t) => {
  for (const [what, pattern, which] of [
    ['the first entry', / DELETEACL /, 1],
    ['an entry put back', / SETACL /, 1],
    ['a later entry', / DELETEACL /, 3],
    ['a subscription', / UNSUBSCRIBE /, 2],
    ['the look', / MYRIGHTS /, 4],
  ] as const) {
    await granting(t);
    let count = 0;
    const fate = (line: string) =>
      pattern.test(line) && ++count === which ? ('freeze-after' as const) : ('pass' as const);
    const proxy = await startProxy(site.lab.imap, fate);
    try {
      await routeThrough(site, proxy);
      const [file = '', ...first] = await builtMandat();
      const child = spawn(file, [...first, '--config', site.configFile, 'uninstall', '--yes', ...where()], {
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      await Promise.race([proxy.frozen, ended]);
      child.kill('SIGKILL');
      await ended;
    } finally {
      await routeThrough(site, site.lab.imap);
      await proxy.close();
    }
    const said = await uninstall('--yes');
    t.match(
      said,
      { status: 1, stdout: /nothing of mandat's is left[\s\S]*keeps the owners' own 3 rules/ },
      `killed at ${what}`,
    );
    await asBefore(t);
    t.same(rules(), OWNERS_RULES);
  }
});

t.test('where Postfix can not be seen, somebody must say that it asks no more', async (t) => {
  await granting(t);
  const away = (...more: string[]) =>
    site.mandat('uninstall', '--yes', '--postfix-config', '/nonexistent', '--dovecot-config', dovecot(), ...more);
  t.match(await away(), { status: 1, stdout: /could not be seen[\s\S]*--smtp-done/ });
  t.same(rules(), OWNERS_RULES);
  t.match(await away('--smtp-done'), { status: 1, stdout: /the sender map is empty \(3 rules gone\)/ });
  t.same(rules(), []);
  t.match(await site.mandat('withdraw', '--undo', '--yes'), { status: 0 });
  t.same(
    rules().filter((rule) => OWNERS_RULES.includes(rule)),
    OWNERS_RULES,
    'obeyed again: the owners’ rules come back',
  );
});

t.test('step by step, with a sidecar: owners send until Postfix asks no more, and nobody is locked out', async (t) => {
  await granting(t);
  await site.run();
  const sends = async (name: string, from: string) => (await senderAnswer(site, name, at(from))).code;
  const owners = async (when: string) => {
    t.equal(await sends('alice', 'alice'), 250, when);
    t.equal(await sends('erin', 'erin'), 250, when);
  };
  t.equal(await sends('alice', 'ali'), 250, 'from an alias');
  t.match(
    await uninstall('--yes', '--smtp-done'),
    { status: 1, stdout: /Postfix asks it still/ },
    'not even where somebody says so',
  );
  await asBefore(t);
  t.same(rules(), OWNERS_RULES);
  t.equal(await sends('bob', 'alice'), 553);
  t.equal(await sends('alice', 'ali'), 250, 'owners and their aliases send');
  await owners('while Postfix asks');
  const document = await json('--yes');
  t.match(document, { done: false, senderMap: { state: 'kept', asking: { kind: 'asks' } }, left: 0 });
  const certain = document.leftovers.filter((one: { certain: boolean }) => one.certain);
  t.match(certain[0], { file: conf('main.cf'), text: /mandat/ });
  t.equal(
    certain.length,
    document.leftovers.filter(({ text }: { text: string }) => /mandat|identity\.re/.test(text)).length,
  );
  t.match(document.looked, { lookedAt: /^20/ });

  const rewrite = (name: string, ...what: readonly (readonly [RegExp, string])[]) => {
    let text = readFileSync(name, 'utf8');
    for (const [pattern, by] of what) {
      if (!pattern.test(text)) throw new Error(`${name} has no ${pattern}`);
      text = text.replace(pattern, by);
    }
    writeFileSync(name, text);
  };
  rewrite(conf('main.cf'), [/# ---- what the product asks for[\s\S]*/, '']);
  rewrite(
    conf('master.cf'),
    [/^ +-o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch$/m, ''],
    [/^ +-o proxymap_service_name=.*$/m, ''],
    [/^ +-o smtpd_sender_login_maps=$/m, ''],
    [/^proxymap +unix +n .*$/m, ''],
  );
  const kept = await uninstall('--yes');
  t.match(kept, { status: 1, stdout: /began before its configuration was changed: "postfix reload"/ });
  t.same(rules(), OWNERS_RULES, 'not before it has reread it');
  execFileSync('postfix', ['-c', conf('.'), 'reload'], { stdio: 'pipe' });
  const emptied = await uninstall('--yes');
  t.match(emptied, {
    status: 1,
    stdout: /the sender map is empty \(3 rules gone\)[\s\S]*dovecot\.conf:\d+: !include mandat/,
  });
  t.same(rules(), []);
  await owners('without the map');
  t.match(await site.mandat('sync'), { status: 0 });
  t.same(rules(), [], 'no pass fills it again');
  t.match(await site.mandat('verify', at('erin')), { status: 0 });

  await site.stopSidecars();
  rewrite(dovecot(), [/# ---- what the product asks for[\s\S]*/, '']);
  execFileSync('doveadm', ['-c', dovecot(), 'reload'], { stdio: 'pipe' });
  t.match(await uninstall('--yes'), { status: 0, stdout: /does not name mandat[\s\S]*mandat is off the servers/ });
  t.match(await uninstall('--yes'), { status: 0 }, 'and once more');
  const trail = (await site.mandat('audit', '--limit', '500')).stdout;
  t.equal(trail.match(/uninstall-done/g)?.length, 1);
});
