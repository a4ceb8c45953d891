/** On Dovecot: 2.3, or 2.4 with `--servers debian13`. */
import { holds } from './contract.ts';
import { startDovecot } from './dovecot-site.ts';

await holds({ deletesFolders: true, sharesSeen: true, comments: false, start: (users) => startDovecot(users) });
