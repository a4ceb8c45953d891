/**
 * Dovecot's dialect (imap_acl plugin, shared namespace), as measured in docs/server-notes.md.
 */
import { provesOwner } from '../../acl/entry-name.ts';
import { INBOX } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import { isAlike, OtherLogin } from '../shared/other-login.ts';
import { text } from './arguments.ts';
import { type Dialect, mustOfferAcl } from './dialect.ts';
import { dovecotNames } from './dovecot-names.ts';
import { entriesOf } from './replies.ts';

export const dovecot: Dialect = {
  kind: 'dovecot',
  title: 'Dovecot',
  recognises: ({ name, greeting }) => /\bdovecot\b/i.test(name || greeting),

  folderId: 'X-GUID',
  proofId: 'X-GUID',
  asksInherited: 'mandat-asks-what-is-inherited',
  carriesOff: '', // RENAME out of the owner's tree is refused: NO [CANNOT]
  withheld: '',
  asksTies: false,
  readsBack: false,
  keepsDeadSubscriptions: false,

  /** GETACL always names the owner of the INBOX, with `a`: {@link provesOwner}. */
  proven: async (connection, login, adminUser) => {
    mustOfferAcl(connection, 'load the acl and imap_acl plugins: mandat.conf of config/dovecot/');
    const reply = await connection.run('GETACL', [text(INBOX)], 'ACL');
    const denied = !reply.ok && dovecot.isDenied(reply);
    const entries = denied ? undefined : entriesOf(reply, dovecot);
    if (entries !== undefined && provesOwner(entries, login, adminUser)) return entries;
    connection.close();
    if (denied) throw mayNotAdminister(login);
    const made = [...(entries ?? [])].find(
      ([name, rights]) => rights.includes('a') && isAlike(login, name.replace(/^#/, '')),
    )?.[0];
    if (made !== undefined && entries?.has(adminUser) === false) throw new OtherLogin(login, made.replace(/^#/, ''));
    throw new Failure(
      'unsafe',
      `the session that was asked for ${login} is not proven to be theirs: their INBOX names ${entries === undefined ? 'nobody' : [...entries.keys()].slice(0, 5).join(', ').slice(0, 500) || 'nobody'}`,
      'check imap.impersonate, that admin_user is a master user with its own mailbox left unused, and that the owner administers their own INBOX',
    );
  },

  names: dovecotNames,

  // Without a code for a link in a Maildir that leads nowhere.
  isGone: ({ code, text: said }) => code === 'NONEXISTENT' || (code === '' && said.startsWith("Mailbox doesn't exist")),
  isDenied: ({ code }) => code === 'NOPERM',
};

/** Somebody's session, and nobody's that is proven: nothing is written. */
function mayNotAdminister(login: string): Failure {
  return new Failure(
    'config',
    `the session that was asked for ${login} may not administer its own INBOX, so that nothing proves whose it is, and nothing can be given or taken there`,
    `see what keeps the right a from owners: a line of the global ACL file (doveconf plugin/acl) without a, or a group's entry that outweighs theirs: doveadm acl get -u ${login} INBOX`,
  );
}
