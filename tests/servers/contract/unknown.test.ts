/** On a server of which nothing is known, which is a Dovecot here: only what could carry a folder off is withheld. */
import { holds } from './contract.ts';
import { startDovecot } from './dovecot-site.ts';

await holds({
  deletesFolders: false,
  sharesSeen: true,
  comments: false,
  start: (users) => startDovecot(users, 'server = "rfc4314"'),
});
