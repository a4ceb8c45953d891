/** `mail_shared_explicit_inbox = yes`, as mailcow has it: an owner's INBOX is a folder INBOX below their name. */
import { tell } from './story.ts';

tell({ site: { extraDovecot: 'mail_shared_explicit_inbox = yes' }, writing: { inbox: 'INBOX' } });
