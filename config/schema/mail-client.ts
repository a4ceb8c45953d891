/** What people type into their mail clients, as the portal tells them. */
import * as z from 'zod';
import { docs, sections, text, whole } from '../fields.ts';
import { hostName, webUrl } from '../places.ts';
import { serverName, sharedFolders } from '../rules.ts';

const tls = (comment: string) => z.enum(['starttls', 'implicit']).default('implicit').register(docs, { comment });

/** What is left out here is as in [mail_client]. */
const ofOneServer = z.strictObject({
  imap_host: text(hostName).optional().register(docs, {
    comment:
      'The IMAP server as people reach it, where it is not the one of [mail_client]; ports and TLS are the same.',
    example: 'mx2.example.org',
  }),
  smtp_host: text(hostName).optional().register(docs, {
    comment: 'The submission server as people reach it.',
    example: 'mx2.example.org',
  }),
  shared_folders: text(sharedFolders).optional().register(docs, {
    comment: "Where a mailbox of that server is among a delegate's folders.",
    example: 'shared/OWNER',
  }),
});

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
  servers: sections(ofOneServer, serverName).register(docs, {
    comment: `Of several mail servers, what is not the same for the mailboxes of one of them, by its [server] name: where
their delegates log in. Without such a section they are told what stands in [mail_client]. Thunderbird's
autoconfig, which asks for no mailbox, is always that.`,
    named: 'mx2',
  }),
});
