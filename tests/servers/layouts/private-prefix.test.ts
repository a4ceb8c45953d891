/**
 * A private namespace with a prefix, as Courier's heirs, Plesk and cPanel have it: the owner's `INBOX.Work` is the delegate's
 * `shared.alice.Work`. With dots between folders an owner's whole login can't be a folder's name, since it holds dots itself.
 */
import { ownersInPrefix } from '../../../config/lab/dovecot-syntax.ts';
import { tell } from './story.ts';

const local = (login: string) => login.replace(/@.*/, '');

await Promise.all([
  tell({
    site: { sharedPrefix: 'shared/', extraDovecot: 'namespace inbox {\n  prefix = INBOX/\n}\n' },
    writing: { prefix: 'INBOX/' },
    subscriptions: false,
  }),
  // The shared tree inside the private one, whose subscriptions it has then.
  tell({
    site: { sharedPrefix: 'INBOX/shared/', inherit: false, extraDovecot: 'namespace inbox {\n  prefix = INBOX/\n}\n' },
    writing: { prefix: 'INBOX/', root: (owner) => `INBOX/shared/${owner}` },
  }),
  tell({
    site: {
      extraDovecot: ownersInPrefix(
        'namespace inbox {\n  prefix = INBOX.\n  separator = .\n}\nnamespace shared {\n  prefix = INBOX.shared.%%n.\n  separator = .\n}\n',
      ),
    },
    writing: { prefix: 'INBOX.', delimiter: '.', root: (owner) => `INBOX.shared.${local(owner)}` },
  }),
]);
