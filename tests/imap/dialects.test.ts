/** Which server one speaks to: by what it says of itself, and by nothing else. */
import t from 'tap';
import { written } from '../../bridge/imap/cyrus.ts';
import { chosen } from '../../bridge/imap/dialects.ts';
import type { Introduction } from '../../bridge/imap/server-introduction.ts';

const said = (one: Partial<Introduction>): Introduction => ({
  greeting: '',
  capabilities: new Set(),
  name: '',
  version: '',
  ...one,
});

t.test('told by looking', async (t) => {
  const cases: readonly (readonly [string, Partial<Introduction>, string])[] = [
    ['dovecot', { name: 'Dovecot' }, 'ID of Dovecot 2.3 and 2.4'],
    ['cyrus', { name: 'Cyrus IMAPD', version: '3.6.1-Debian-3.6.1-4+deb12u5' }, 'ID of Cyrus 3.6'],
    ['cyrus', { greeting: 'lab.test Cyrus IMAP 3.6.1-Debian-3.6.1-4+deb12u5 server ready' }, 'no ID, its greeting'],
    ['cyrus', { capabilities: new Set(['X-REPLICATION', 'NO_ATOMIC_RENAME']) }, 'serverinfo: off'],
    ['dovecot', { greeting: 'Dovecot (Debian) ready.' }, 'imap_id_send is empty'],
    ['cyrus', { name: 'Cyrus IMAPD', greeting: 'Dovecot ready.' }, 'a Dovecot proxy before it: ID is the server’s'],
    ['dovecot', { name: 'Dovecot', greeting: 'Cyrus ready' }, 'and the other way round'],
    ['rfc4314', { greeting: 'Courier-IMAP ready.' }, 'another server'],
    ['rfc4314', {}, 'one that says nothing'],
  ];
  for (const [kind, one, why] of cases) t.equal(chosen(said(one), 'auto').kind, kind, why);
});

t.test('as configured, whatever it says', async (t) => {
  t.equal(chosen(said({ name: 'Dovecot' }), 'cyrus').kind, 'cyrus');
  t.equal(chosen(said({ name: 'Cyrus IMAPD' }), 'dovecot').kind, 'dovecot');
});

t.test('Cyrus: an owner as a delegate sees them', async (t) => {
  const dots = { delimiter: '.' };
  const slashes = { delimiter: '/' };
  t.equal(written('alice', 'bob', dots), 'alice');
  t.equal(written('jean.dupont', 'bob', dots), 'jean^dupont');
  t.equal(written('jean.dupont', 'bob', slashes), 'jean.dupont');
  t.equal(written('alice@ex.test', 'bob@ex.test', slashes), 'alice', 'of the same domain');
  t.equal(written('alice@ex.test', 'bob@other.test', slashes), 'alice@ex.test', 'crossdomains: yes');
  t.equal(written('alice@ex.test', 'bob', slashes), 'alice@ex.test');
});
