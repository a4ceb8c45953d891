/** What people are told. */
import * as z from 'zod';
import { notInClear } from '../cross.ts';
import { docs, text, whole } from '../fields.ts';
import { hostName, mailAddress, path, webUrl } from '../places.ts';
import { accountName } from '../rules.ts';

export const notices = z
  .strictObject({
    host: text(hostName).default('127.0.0.1').register(docs, { comment: 'The SMTP server that takes them.' }),
    port: whole(1, 65_535)
      .default(587)
      .register(docs, { comment: 'Usually 587 with "starttls", 465 with "implicit".' }),
    tls: z.enum(['starttls', 'implicit', 'none']).default('starttls').register(docs, {
      comment: '"none" only to a loopback address.',
    }),
    ca_file: text(path).optional().register(docs, {
      comment: 'PEM file of certificate authorities to trust beside the public ones.',
      example: 'ca.pem',
      isPath: true,
    }),
    server_name: text(hostName).optional().register(docs, {
      comment: "The name to look for in the server's certificate, where host is an address or another name.",
      example: 'mail.example.org',
    }),
    user: text(accountName).optional().register(docs, {
      comment: 'The login to send with. Without it nobody logs in.',
      example: 'mandat',
    }),
    password_file: text(path).default('smtp.secret').register(docs, {
      comment:
        'Holds its password on one line; mode 600. $MANDAT_SMTP_PASSWORD wins over it. Read only where user is given.',
      isPath: true,
    }),
    from: text(mailAddress).default('mandat@localhost').register(docs, {
      comment: 'The address that notices come from.',
    }),
    language: z.enum(['fr', 'en']).default('fr').register(docs, {
      comment: 'The language of whoever has not chosen one.',
    }),
    others: z
      .enum(['short', 'full', 'none'])
      .default('short')
      .register(docs, {
        comment: `What the other delegates of a mailbox are told when one comes or goes: "short" (that the delegations
of this mailbox have changed), "full" (who), or nothing.`,
      }),
    ending_days: whole(0, 365).default(14).register(docs, {
      comment: 'How many days before an end, or the lapse of a credential, it is announced; 0: not at all.',
    }),
    help_url: text(webUrl).optional().register(docs, {
      comment: 'Where help is found; stands in every notice.',
      example: 'https://mail.example.org/aide',
    }),
    news_url: text(webUrl).optional().register(docs, {
      comment: 'Where news and incidents are published.',
      example: 'https://mail.example.org/actualites',
    }),
    templates: text(path)
      .optional()
      .register(docs, {
        comment: `A directory whose files replace those of the same name; "mandat notices templates DIR" writes out
those that come with mandat.`,
        example: 'templates',
        isPath: true,
      }),
  })
  .check(notInClear);
