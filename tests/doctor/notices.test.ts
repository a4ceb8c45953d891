/** The doctor on notices: whether the SMTP server answers, and every notice has its words. Nothing is sent. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { runChecks } from '../../bridge/doctor/examine.ts';
import type { Subject } from '../../bridge/doctor/examined-site.ts';
import { smtpPassword } from '../../bridge/doctor/files.ts';
import { noticeServer, noticeTemplates } from '../../bridge/doctor/notices.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { startSink } from '../notify/sink.ts';
import { SETTINGS } from '../notify/stored.ts';

async function look(notices: object | undefined, dataDir = '/nowhere', env = {}): Promise<readonly string[]> {
  const config = { notices, dataDir, policy: { timezone: 'Europe/Paris' } };
  const subject = { config, files: dataFiles(dataDir), env } as unknown as Subject;
  const lines = await runChecks([smtpPassword, noticeServer, noticeTemplates], subject, () => {});
  return lines.map(({ status, seen, remedy }) => `${status}: ${seen}${remedy === '' ? '' : ` -> ${remedy}`}`);
}

async function folder(t: Test): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-doctor-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

t.test('without [notices] there is nothing to look at', async (t) => {
  for (const line of await look(undefined)) t.match(line, /^skipped: /);
});

t.test('with them', async (t) => {
  const directory = await folder(t);
  await writeFile(`${directory}/smtp.secret`, 'open sesame\n', { mode: 0o600 });
  const sink = await startSink(undefined, {
    authOptional: false,
    onAuth: ({ password }, _session, callback) =>
      password === 'open sesame' ? callback(null, { user: 'mandat' }) : callback(new Error('no')),
  });
  t.teardown(() => sink.close());
  const good = {
    host: '127.0.0.1',
    port: sink.port,
    tls: 'none',
    user: 'mandat',
    passwordFile: `${directory}/smtp.secret`,
    ...SETTINGS,
  };
  t.match(await look(good), [
    /^ok: .*smtp\.secret, mode 600/,
    new RegExp(`^ok: 127\\.0\\.0\\.1:${sink.port} answers \\(none\\), and takes the login mandat$`),
    /^ok: 30 notices in two languages$/,
  ]);
  const cases: readonly (readonly [what: string, notices: object, env: object, expected: readonly RegExp[]])[] = [
    [
      'a wrong password',
      good,
      { MANDAT_SMTP_PASSWORD: 'x' },
      [/^ok/, /^fail: .*refused the login.* -> check notices\.user/, /^ok/],
    ],
    ['no password', { ...good, passwordFile: `${directory}/none` }, {}, [/^fail: .*none.* -> /, /^skipped/, /^ok/]],
    ['nobody listens', { ...good, port: 1 }, {}, [/^ok/, /^fail: .*can't be reached.* -> check notices\.host/, /^ok/]],
    ['no STARTTLS', { ...good, tls: 'starttls' }, {}, [/^ok/, /^fail: no TLS.* -> check notices\.tls/, /^ok/]],
    [
      'no such templates',
      { ...good, templates: `${directory}/none` },
      {},
      [/^ok/, /^ok/, /^fail: .*none.* -> mend it/],
    ],
  ];
  for (const [what, notices, env, expected] of cases) t.match(await look(notices, directory, env), expected, what);
  t.equal(sink.mails.length, 0, 'nothing is sent');
});
