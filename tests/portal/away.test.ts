/**
 * What the portal needs goes away while it runs, and comes back: pages and API say so in plain words, nothing that was typed is lost, nothing is
 * half done, and afterwards all works without a restart.
 */
import { chmod, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { mandatAt } from '../cli/warm.ts';
import { apiSite } from './api-site.ts';
import type { Page } from './browser-cookies.ts';
import { DOCTOR, MAILBOX, SECRETARY } from './people.ts';
import { CLIENT } from './portal-site.ts';

const PLACE = `/mailboxes/${encodeURIComponent(MAILBOX)}`;
const PAIR = `/mailboxes/${MAILBOX}/delegations/${SECRETARY}`;

/** What would be sent by the button of a page's form for `action`. */
function formOf({ body }: Page, action: string): Readonly<Record<string, string>> {
  const [, form = ''] = new RegExp(`<form[^>]* action="${action}"[^>]*>(.*?)</form>`, 's').exec(body) ?? [];
  const inputs = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
  return Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, value]));
}

/** A page that says what is wrong and when to come again, and nothing of ours. */
function saysSo(t: Test, page: Page, why: string): void {
  t.match({ status: page.status, again: page.headers.get('retry-after') }, { status: 503, again: /^\d+$/ }, why);
  t.match(page.body, /role="alert"/, why);
  t.notMatch(page.body, /node_modules|\.ts:|\bat \S+ \(|SQLITE|ECONN|\/tmp\//, `${why}: nothing of ours`);
}

t.test('databases and files', async (t) => {
  const here = await apiSite(t);
  const { ask, config, directory, log } = here;
  const files = dataFiles(config.dataDir);
  await here.mandat('grant', MAILBOX, SECRETARY, '--no-wait');
  const doctor = await here.signInAs(DOCTOR);
  const problem = async (
    code: string,
    why: string,
    asked = ask('GET', `/mailboxes/${MAILBOX}/delegations`, { by: DOCTOR }),
  ) => {
    const { status, json, headers, text } = await asked;
    t.match({ status, ...json }, { status: 503, code }, why);
    t.match(headers.get('retry-after'), /^\d+$/, why);
    t.notMatch(text, /node_modules|\.ts:|SQLITE|ECONN|\/tmp\//, `${why}: nothing of ours`);
  };

  t.test('another program holds the table', async (t) => {
    const question = await doctor.get(`${PLACE}/suspend?delegate=${SECRETARY}`);
    const form = formOf(question, `${PLACE}/suspend`);
    t.equal(form.delegate, SECRETARY);
    const holder = new Database(files.delegations);
    holder.exec('BEGIN IMMEDIATE');
    const [page] = await Promise.all([
      doctor.post(`${PLACE}/suspend`, form),
      problem('MANDAT_AWAY', 'a change by the API', ask('POST', `${PAIR}/suspend`, { by: DOCTOR })),
    ]);
    saysSo(t, page, 'a change by a form');
    t.equal((await doctor.get(PLACE)).status, 200, 'who only looks goes on');
    holder.exec('COMMIT');
    holder.close();
    t.equal((await ask('GET', PAIR, { by: DOCTOR })).json.suspended, false, 'nothing was done');
    const again = formOf(page, `${PLACE}/suspend`);
    t.match(again, { delegate: SECRETARY, once: form.once }, 'what was typed is offered again');
    t.equal((await doctor.post(`${PLACE}/suspend`, again)).status, 200);
    t.equal((await ask('GET', PAIR, { by: DOCTOR })).json.suspended, true);
    t.equal((await ask('POST', `${PAIR}/resume`, { by: DOCTOR })).status, 200);
  });

  t.test('another program keeps even readers out: whoever needs no database waits for nobody', async (t) => {
    for (const file of [files.delegations, files.state]) {
      const holder = new Database(file);
      holder.pragma('locking_mode = EXCLUSIVE');
      holder.exec('BEGIN IMMEDIATE; CREATE TABLE held (x); ROLLBACK');
      const order: string[] = [];
      const later = (what: string) => (answer: Page) => {
        order.push(what);
        return answer;
      };
      const held = doctor.get(`${PLACE}/contact`).then(later('needs it'));
      const strangers = Array.from({ length: 5 }, () => here.browser().get('/sign-in').then(later('needs none')));
      for (const { status } of await Promise.all(strangers)) t.equal(status, 200);
      t.strictSame(order, Array(5).fill('needs none'), 'answered while it is held');
      holder.close();
      t.equal((await held).status, 200, 'and it is opened once it is free');

      const again = new Database(file);
      again.pragma('locking_mode = EXCLUSIVE');
      again.exec('BEGIN IMMEDIATE; CREATE TABLE held (x); ROLLBACK');
      saysSo(t, await doctor.get(`${PLACE}/contact`), 'held for good');
      await problem('MANDAT_AWAY', 'the API', ask('GET', `/mailboxes/${MAILBOX}/contact`, { by: DOCTOR }));
      again.close();
    }
  });

  for (const [what, file, code] of [
    ['the table', files.delegations, 'MANDAT_SETUP'],
    ["mandat's own state", files.state, /MANDAT_(SETUP|STATE_LOST)/],
  ] as const)
    t.test(`${what} is gone, or no longer itself`, async (t) => {
      const contact = await doctor.get(`${PLACE}/contact`);
      const typed = { ...formOf(contact, `${PLACE}/contact`), address: 'doc@example.org', language: 'fr' };
      for (const damage of ['away', 'damaged']) {
        await rename(file, `${file}.kept`);
        if (damage === 'damaged') await writeFile(file, 'no database\n'.repeat(1000));
        const page = await doctor.post(`${PLACE}/contact`, typed);
        saysSo(t, page, damage);
        t.match(formOf(page, `${PLACE}/contact`), { address: 'doc@example.org' }, `${damage}: what was typed is kept`);
        const { status, json } = await ask('PUT', `/mailboxes/${MAILBOX}/contact`, {
          by: DOCTOR,
          body: { address: 'doc@example.org' },
        });
        t.match(
          { status, ...json },
          { status: 503, code: damage === 'away' ? code : /MANDAT/ },
          `${damage}: ${json.code}`,
        );
        t.ok(
          log.some(({ hint }) => typeof hint === 'string' && hint !== ''),
          'the log says what to do',
        );
        const start = await mandatAt(path.join(directory, 'mandat.toml'), ['portal']);
        t.match(
          { status: start.status, said: start.stderr.includes(file) },
          { status: /^[12]$/, said: true },
          `${damage}: said at the start`,
        );
        t.notMatch(start.stderr, /\n\s+at /);
        await rename(`${file}.kept`, file);
        t.equal((await doctor.get(PLACE)).status, 200, 'and it goes on by itself');
      }
      t.equal((await doctor.post(`${PLACE}/contact`, typed)).status, 200);
      t.equal((await ask('GET', `/mailboxes/${MAILBOX}/contact`, { by: DOCTOR })).json.address, 'doc@example.org');
      await ask('PUT', `/mailboxes/${MAILBOX}/contact`, { by: DOCTOR, body: { address: null } });
    });

  t.test('the directory', async (t) => {
    const file = path.join(files.privateDirectory, 'directory-1.db');
    const search = `${PLACE}/add?search=yes&lastName=kit&city=paris`;
    await rename(file, `${file}.kept`);
    t.match(await doctor.get(search), {
      status: 422,
      body: /n&#39;a pas encore été importé|n’a pas encore été importé/,
    });
    const said = await ask('GET', '/people?lastName=kit&city=paris', { by: DOCTOR });
    t.match({ status: said.status, ...said.json }, { status: 503, code: 'NO_DIRECTORY' });
    await writeFile(file, 'no database\n'.repeat(1000));
    const broken = await doctor.get(search);
    t.notMatch(broken.body, /SQLITE|\/tmp\/|\bat \S+ \(/);
    t.ok([422, 503].includes(broken.status), `${broken.status}`);
    t.equal((await ask('GET', '/people?lastName=kit&city=paris', { by: DOCTOR })).status, 503);
    await rename(`${file}.kept`, file);
    t.equal((await doctor.get(search)).status, 200);
  });

  t.test("the client's secret", async (t) => {
    const file = path.join(directory, 'oidc.secret');
    const starts = () => mandatAt(path.join(directory, 'mandat.toml'), ['portal']);
    const faults = [
      ['gone', () => rename(file, `${file}.kept`), () => rename(`${file}.kept`, file), /oidc\.secret/],
      ['for others to read', () => chmod(file, 0o644), () => chmod(file, 0o600), /has mode 644/],
      ['empty', () => writeFile(file, ''), () => writeFile(file, `${CLIENT.secret}\n`), /oidc\.secret.*empty/],
    ] as const;
    for (const [why, breaks, mends, said] of faults) {
      await breaks();
      const before = log.length;
      const page = await here.browser().get('/sign-in');
      t.equal(page.status, 503, why);
      t.notMatch(page.body, /oidc\.secret|\bat \S+ \(/, why);
      t.match(JSON.stringify(log.slice(before)), said, `${why}: the log says so`);
      t.equal((await doctor.get(PLACE)).status, 200, `${why}: who is in stays in`);
      const { status, stderr } = await starts();
      t.equal(status, 2, why);
      t.match(stderr, said, `${why}: at the start`);
      t.notMatch(stderr, /\n\s+at /, why);
      await mends();
      t.ok((await here.signInAs(DOCTOR)).cookie(), `${why}: and people sign in again`);
    }
  });
});
