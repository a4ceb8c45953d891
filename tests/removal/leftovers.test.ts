/** What of mandat stands in a configuration: its own lines, those that look like it, and nothing else. */
import t from 'tap';
import { leftoversIn } from '../../bridge/removal/leftovers.ts';

const found = (text: string, before?: string, ours: readonly string[] = []) =>
  leftoversIn('main.cf', text, ['/srv/data/sender', '/run/x/'], new Set(ours), before).map(({ line, certain }) => [
    line,
    certain,
  ]);

t.test('lines that name it, by any of its names', async (t) => {
  for (const line of [
    '!include mandat/mandat.conf',
    '  !include_try /etc/dovecot/mandat/api-key.conf',
    'smtpd_sender_login_maps = proxy:sqlite:/etc/postfix/mandat.cf',
    '    {mandat-copy.invalid = mandat-copy:unix:/run/mandat/copy.sock}}',
    'mandat-copy unix - - n - 10 lmtp',
    '  -o smtpd_proxy_filter=unix:/run/x/filter.sock',
    'dbpath = /srv/data/sender/sender.db',
  ])
    t.same(found(line), [[1, true]], line);
});

t.test('nothing else', async (t) => {
  for (const line of [
    '# mandat was here',
    '  # !include mandat/mandat.conf',
    'myhostname = mandatory.example.org',
    'mydestination = mandat-lab-x.example.org, demandat',
    '',
  ])
    t.same(found(line), [], line);
});

t.test('a line as in a fragment may be the site’s own', async (t) => {
  const line = '-o smtpd_delay_reject=no';
  t.same(found(`  ${line}`, undefined, [line]), [[1, false]]);
  t.same(found(`  ${line}`, line, [line]), [], 'it stood there before');
  t.same(found(`  ${line}`, 'else = 1', [line]), [[1, true]], 'it did not');
  t.same(found('driver = passwd-file', undefined, ['driver = passwd-file']), [], 'what everybody has says nothing');
});
