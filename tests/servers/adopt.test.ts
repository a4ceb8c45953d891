/** mandat adopt: what was shared by hand becomes delegations, where somebody says so, and a revoke then takes it off. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { builtMandat } from '../cli/built.ts';
import { inConversation, readable } from '../cli/terminal.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entries, entriesOf, granted, SPECIALS, seen, sorted } from './wire.ts';

const DELEGATES = ['bob', 'carol', 'dave', 'fred'];
let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'erin', ...DELEGATES], reuse: false, postfix: false });
  await does(site, 'alice', ...SPECIALS.map((folder) => `STATUS ${folder} (MESSAGES)`), 'CREATE Projets');
  const whole = ['INBOX', 'Projets'].map((folder) => `SETACL ${folder} ${at('bob')} lrswipkxte`);
  const specials = SPECIALS.map((folder) => `SETACL ${folder} ${at('bob')} lrswipkte`);
  await does(site, 'alice', ...whole, ...specials);
  await does(site, 'alice', `SETACL Projets ${at('carol')} lrs`, `SETACL INBOX ${at('dave')} lrswipkxtea`);
  await does(site, 'alice', `SETACL Projets ${at('fred')} lr`, `SETACL Projets -${at('fred')} w`);
});
t.teardown(() => site?.stop());

const file = () => path.join(site.lab.directory, 'answers.csv');
const adopt = (...more: string[]) => site.mandat('adopt', ...more);
const by = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
/** The table of a dry run, with words for some lines. */
async function answered(words: Readonly<Record<string, string>>, ...named: string[]): Promise<string> {
  const { stdout } = await adopt('--dry-run', ...named);
  const [head = [], ...rows] = by(stdout);
  const filled = rows.map((row) => {
    const [, name = ''] = /^(\w+)@/.exec(row[1] ?? '') ?? [];
    return words[name] === undefined ? row : [...row.slice(0, 8), ...(words[name] ?? '').split(',')];
  });
  writeFileSync(file(), [head, ...filled].map((row) => row.join(',')).join('\n'));
  return stdout;
}

t.test('without a word nothing is written, and what stands is told', async (t) => {
  t.match(await adopt(), { status: 2, stderr: /has no mailbox yet[\s\S]*mandat adopt MAILBOX/ });
  const before = await entries(site, 'alice');
  const { status, stdout, stderr } = await adopt('--dry-run', at('alice'));
  t.equal(status, 0);
  t.match(by(stdout), [
    ['mailbox', 'login', 'extent', 'folders', 'rights', 'delegate'],
    [at('alice'), at('bob'), 'whole', '6 of 6'],
    [at('alice'), at('carol'), 'partial', '1 of 6', 'lrs'],
    [at('alice'), at('dave'), 'more'],
    [at('alice'), at('fred'), 'partial'],
  ]);
  t.match(stderr, /entry of -fred@lab.test stays/);
  t.match(await adopt(at('alice')), { status: 2, stderr: /no terminal to ask at[\s\S]*--dry-run/ });
  t.match(await site.mandat('--as', `owner:${at('alice')}`, 'adopt', at('alice')), { status: 3 });
  t.same(await entries(site, 'alice'), before);
  t.equal(await site.sql('SELECT count(*) FROM mailboxes'), '0\n');
});

t.test('answers are read whole, and every mistake is told at once', async (t) => {
  await answered({ bob: ',yes,perhaps', carol: 'last spring,yes,yes', dave: '2999-01-01,yes,yes' }, at('alice'));
  writeFileSync(file(), `${readFileSync(file(), 'utf8')}\n${at('alice')},${at('erin')},,,,,,,,yes,yes`);
  const said = await adopt(at('alice'), '--answers', file(), '--yes');
  t.match(said, { status: 2, stderr: /4 mistakes, nothing was written/ });
  for (const why of [/"perhaps" is neither yes nor no/, /line 3: .*since/, /yet to come/, /erin@lab.test has no entry/])
    t.match(said.stderr, why);
  t.equal(await site.sql('SELECT count(*) FROM mailboxes'), '0\n');
});

for (const sidecar of [false, true]) {
  t.test(`what is said yes to becomes a delegation, ${sidecar ? 'with' : 'without'} a sidecar`, async (t) => {
    if (sidecar) await site.run();
    const others = await entriesOf(site, 'alice', 'fred');
    if (!sidecar) await answered({ bob: '2024-03-01,yes,yes', carol: ',yes,yes', dave: ',yes,yes' }, at('alice'));
    t.match(await adopt(at('alice'), '--answers', file()), { status: 2, stderr: /nothing was changed/ }, 'it asks');
    const said = await adopt(at('alice'), '--answers', file(), '--yes');
    t.match(said, { status: 0, stdout: /3 of 3 entries adopted/ });
    t.match(
      said.stderr,
      /bob@lab.test has at alice.*stays as it is[\s\S]*carol.*widened[\s\S]*dave.*rights beyond that go/,
    );
    await site.settled();
    for (const name of ['bob', 'carol', 'dave']) t.same(await seen(site, 'alice', name), granted('Projets'), name);
    t.same(await entriesOf(site, 'alice', 'fred'), others, 'who was not named stays');
    t.match(await site.mandat('verify'), { status: 0 });
    t.match((await site.mandat('audit', '--limit', '100')).stdout, /adopt/);
    t.match(await site.mandat('list'), { stdout: /bob@lab.test/ });
    t.match((await adopt('--dry-run')).stdout, /^mailbox.*\n[^\n]*fred[^\n]*\n?$/, 'only who is left is proposed');

    for (const name of ['bob', 'carol', 'dave']) {
      t.match(await site.mandat('revoke', at('alice'), at(name), '--yes'), { status: 0 });
      t.same(await entriesOf(site, 'alice', name), {}, `${name}: a revoke takes it off`);
    }
    t.same(await entriesOf(site, 'alice', 'fred'), others);
    t.match(await site.mandat('audit', 'verify'), { status: 0 });
    // As it was.
    const whole = ['INBOX', 'Projets'].map((folder) => `SETACL ${folder} ${at('bob')} lrswipkxte`);
    await does(site, 'alice', ...whole, ...SPECIALS.map((folder) => `SETACL ${folder} ${at('bob')} lrswipkte`));
    await does(site, 'alice', `SETACL Projets ${at('carol')} lrs`, `SETACL INBOX ${at('dave')} lrswipkxtea`);
    await site.stopSidecars();
  });
}

t.test('what is not adopted comes back at a revoke, as ever', async (t) => {
  t.match(await site.mandat('grant', at('alice'), at('carol')), { status: 0 });
  t.match(await site.mandat('revoke', at('alice'), at('carol'), '--yes'), { status: 0 });
  t.same(await entriesOf(site, 'alice', 'carol'), { Projets: sorted('lrs') });
});

t.test('a rule that refuses leaves the entry alone', async (t) => {
  await site.sql(`INSERT INTO mailbox (address, login, eligible) VALUES ('${at('erin')}', '${at('erin')}', 0)`);
  await does(site, 'erin', ...SPECIALS.map((name) => `STATUS ${name} (MESSAGES)`), `SETACL INBOX ${at('bob')} lrs`);
  const before = await entriesOf(site, 'erin', 'bob');
  await answered({ bob: ',yes,yes' }, at('erin'));
  const said = await adopt(at('erin'), '--answers', file(), '--yes');
  t.match(said, { status: 3, stderr: /erin@lab.test: bob@lab.test: .*MANDAT_NOT_ELIGIBLE/ });
  t.same(await entriesOf(site, 'erin', 'bob'), before);
  await site.sql(`UPDATE mailbox SET eligible = 1 WHERE address = '${at('erin')}'`);
  t.match(await site.mandat('grant', at('erin'), at('bob')), { status: 0 });
  await site.mandat('revoke', at('erin'), at('bob'), '--yes');
  t.same(await entriesOf(site, 'erin', 'bob'), before, 'and no adoption is remembered');
});

t.test('state.db is lost: what differs from a grant is taken back by being adopted', async (t) => {
  await site.mandat('grant', at('alice'), at('carol'));
  await does(site, 'alice', `SETACL Projets ${at('carol')} lr`); // drift that nobody has mended
  for (const side of ['', '-wal', '-shm']) rmSync(`${site.stateFile}${side}`, { force: true });
  await site.mandat('init', '--new-seal-key');
  await answered({ carol: ',yes,yes' }, at('alice'));
  const said = await adopt(at('alice'), '--answers', file(), '--yes');
  t.match(said, { status: 0, stdout: /1 of 1 entry adopted/ });
  await site.mandat('sync');
  t.same(await seen(site, 'alice', 'carol'), granted('Projets'));
  t.match(await site.mandat('revoke', at('alice'), at('carol'), '--yes'), { status: 0 });
  t.same(await entriesOf(site, 'alice', 'carol'), {}, 'nothing of it is put back');
});

t.test('at a terminal each entry is asked about, and No is the default', async (t) => {
  const argv = [...(await builtMandat()), '--config', site.configFile, 'adopt', at('alice')];
  const before = await entries(site, 'alice');
  const no = ['dave', 'fred'].map((name) => [new RegExp(`Adopt what ${name}@`), '\r'] as const);
  const nothing = await inConversation(argv, no);
  t.match(readable(nothing), /Adopt what fred@/);
  t.same(await entries(site, 'alice'), before);

  const seenThere = await inConversation(argv, [
    ...no.slice(0, 1),
    [/Adopt what fred@/, 'y\r'],
    [/Who is fred@/, '\r'],
    [/Since when\?/, '2024-03-01\r'],
    [/May they send/, 'y\r'],
    [/Adopt 1 entry\?/, 'y\r'],
  ]);
  t.match({ status: seenThere.status, text: readable(seenThere) }, { status: 0, text: /1 of 1 entry adopted/ });
  t.match(await site.mandat('list'), { stdout: /fred@lab\.test/ });
  t.equal(await site.sql("SELECT count(*) FROM delegation WHERE delegate LIKE 'dave%'"), '0\n');
});
