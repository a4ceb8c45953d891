/** What people type into their mail clients, as the portal tells them. */
import * as z from 'zod';
import { docs, text, whole } from '../fields.ts';
import { hostName, webUrl } from '../places.ts';
import { sharedFolders } from '../rules.ts';

const tls = (comment: string) => z.enum(['starttls', 'implicit']).default('implicit').register(docs, { comment });

export const mailClient = z.strictObject({
  domain: text(hostName).optional().register(docs, {
    comment: 'The domain of the addresses that are reached so, for the profiles. Left out: imap_host.',
    example: 'example.org',
  }),
  imap_host: text(hostName).optional().register(docs, {
    comment: 'The IMAP server as people reach it. Needed, with smtp_host, for anything to be told.',
    example: 'mail.example.org',
  }),
  imap_port: whole(1, 65_535)
    .default(993)
    .register(docs, { comment: 'Usually 993 with "implicit", 143 with "starttls".' }),
  imap_tls: tls('"implicit" is TLS from the first byte.'),
  smtp_host: text(hostName).optional().register(docs, {
    comment: 'The submission server as people reach it.',
    example: 'mail.example.org',
  }),
  smtp_port: whole(1, 65_535)
    .default(465)
    .register(docs, { comment: 'Usually 465 with "implicit", 587 with "starttls".' }),
  smtp_tls: tls('As imap_tls.'),
  shared_folders: text(sharedFolders).optional().register(docs, {
    comment: `Where a delegated mailbox is among a delegate's folders; OWNER stands for the owner's login.`,
    example: 'shared/OWNER',
  }),
  own_mailbox_url: text(webUrl).optional().register(docs, {
    comment: 'Where a delegate who has no mailbox of their own asks for one. Left out: they are not offered any.',
    example: 'https://mail.example.org/ouvrir',
  }),
});
