/** Who may be a delegate, of whose mailbox, and what a delegation means. */
import * as z from 'zod';
import { docs, text, whole } from '../fields.ts';
import { webUrl } from '../places.ts';
import { rights, timeZone, word } from '../rules.ts';

export const identity = z.strictObject({
  scheme: z
    .enum(['rpps', 'login'])
    .default('rpps')
    .register(docs, {
      comment: `What identifies a delegate. "rpps": the national identifier of French health professionals, 12 digits
starting with 8; their login is given beside it. "login": their IMAP and SMTP login.`,
    }),
  strict: z
    .boolean()
    .default(false)
    .register(docs, {
      comment: `true refuses an RPPS number whose last digit isn't the key of the others; false warns, since official
examples have such numbers.`,
    }),
  allow_test_identities: z
    .boolean()
    .default(false)
    .register(docs, { comment: "true takes numbers of the national test kit (899...), which are nobody's." }),
  unknown_credential: z
    .enum(['valid', 'invalid'])
    .default('invalid')
    .register(docs, {
      comment: `What a delegate counts as whose credential's end nobody has told ("mandat delegate credential",
"mandat delegate sync"). "valid" for a site whose login service refuses lapsed credentials itself.`,
    }),
});

export const directory = z.strictObject({
  max_shrink: whole(0, 100).default(5).register(docs, {
    comment: 'An extract that has lost more than so many percent of its lines is refused: it is rather cut than true.',
  }),
});

export const policy = z.strictObject({
  max_delegates: whole(1, 1000).default(10).register(docs, {
    comment: 'How many delegates one mailbox may have at most, whatever the table lets in: the first in force count.',
  }),
  rights: text(rights)
    .default('lrswipkxte')
    .register(docs, {
      comment: `What a delegate may do, as an RFC 4314 rights string:
l see the folder, r read, s mark as read, w other flags, i file mail into it, p post to it,
k make subfolders, x delete or rename it, t delete mail, e expunge. l and r are needed;
a (administer) is never given.`,
    }),
  eligible_domains: z
    .enum(['all', 'listed'])
    .default('all')
    .register(docs, {
      comment: `Which domains' mailboxes may be delegated where "mandat domain set" says nothing of the domain.
"listed": none, so that they can be opened one after the other.`,
    }),
  timezone: text(timeZone)
    .default('Europe/Paris')
    .register(docs, {
      comment: `An IANA time zone. Commands show times in it, and read a date as the beginning or the end of that day here.
The table takes times in UTC alone, never a date.`,
    }),
});

export const grant = z.strictObject({
  acknowledge: z
    .boolean()
    .default(true)
    .register(docs, {
      comment: `true: "mandat grant" shows the owner's responsibility for the access they open, and needs --acknowledge
or a yes.`,
    }),
});

export const accounts = z.strictObject({
  terms_version: text(word)
    .default('1')
    .register(docs, { comment: 'Which version of the terms of use is to be accepted, as your document calls it.' }),
  terms_url: text(webUrl).optional().register(docs, {
    comment: 'Where the terms of use can be read.',
    example: 'https://mail.example.org/cgu',
  }),
  privacy_url: text(webUrl).optional().register(docs, {
    comment: 'Where the privacy notice can be read.',
    example: 'https://mail.example.org/confidentialite',
  }),
  terms_again: z.boolean().default(true).register(docs, {
    comment: 'true: a new version suspends every activated account until it is accepted again.',
  }),
  code_minutes: whole(1, 10_080).default(60).register(docs, {
    comment: 'How long a code that was mailed to confirm an address is worth something.',
  }),
  code_tries: whole(1, 20).default(5).register(docs, { comment: 'How often a code may be typed wrongly.' }),
});
