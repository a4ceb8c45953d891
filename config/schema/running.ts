/** How the sidecar goes about its work, and what it keeps of it. */
import * as z from 'zod';
import { retriesOrdered } from '../cross.ts';
import { docs, text, whole } from '../fields.ts';
import { healthAddress } from '../places.ts';

export const subscriptions = z.strictObject({
  auto_subscribe: z
    .boolean()
    .default(true)
    .register(docs, {
      comment: `Thunderbird and Roundcube show subscribed folders only: without this most delegates see nothing. An owner,
too, is subscribed once to each folder that is made while there are delegates, or would not see it.`,
    }),
});

export const reconcile = z.strictObject({
  on_drift: z
    .enum(['repair', 'report'])
    .default('repair')
    .register(docs, {
      comment: `What becomes of a delegate's entry that somebody else has taken away, narrowed or widened. "repair": it
is put right, but the same entry three times within ten minutes at most, since another program may do the
same the other way; then it is told of and left for as long. "report": it is left, and told of in "mandat
status", in the log and in the audit trail. Grants, revokes, suspensions and new folders are worked off
either way.`,
    }),
});

export const schedule = z
  .strictObject({
    sweep_interval_minutes: whole(1, 10_080)
      .default(60)
      .register(docs, {
        comment: `How often every mailbox is compared with the table, whether or not anything changed. With [events] once a
day (1440) does.`,
      }),
    sweep_logins_per_second: whole(0, 10_000)
      .default(10)
      .register(docs, {
        comment: `No more than so many logins a second are made for that: one as each owner, one as each delegate for up to
500 mailboxes. With more people than that a sweep takes longer: 40000 at 10 a second 67 minutes. 0: as many
as the server takes.`,
      }),
    folder_look_seconds: whole(0, 86_400)
      .default(60)
      .register(docs, {
        comment: `How often the folders' names in delegated mailboxes are looked at, one login and one LIST each: what has
been made, renamed or deleted is worked off then, not at the next sweep. 0: at sweeps only.`,
      }),
    folder_looks_per_second: whole(1, 1000)
      .default(10)
      .register(docs, {
        comment: `No more than so many of these logins a second. With more mailboxes than that each is looked at less
often: 10000 at 10 a second every 17 minutes. "mandat status" says how often.`,
      }),
    retry_min_seconds: whole(1, 3600).default(2).register(docs, {
      comment: 'After a failure a mailbox is tried again after so long, then twice as long each time, up to ...',
    }),
    retry_max_seconds: whole(1, 86_400).default(300).register(docs, { comment: '... so long.' }),
    login_retry_seconds: whole(1, 86_400)
      .default(300)
      .register(docs, {
        comment: `An account that the IMAP server doesn't know, and a login that it refuses, are tried once more soon and then
this often only: each is a failed login in its log, and what counts those (fail2ban) would shut mandat out.
A change to the mailbox or the delegate, a changed password file and SIGHUP have it tried at once.`,
      }),
    poll_interval_ms: whole(50, 60_000).default(1000).register(docs, {
      comment:
        'Changes are noticed by a file watch. Its events can be lost, so the table is also looked at this often.',
    }),
  })
  .check(retriesOrdered);

export const guard = z.strictObject({
  enabled: z.boolean().default(true).register(docs, { comment: 'false applies every disappearance at once.' }),
  max_pairs: whole(1, 1_000_000).default(20).register(docs, {
    comment: 'Held when more than so many mailbox and delegate pairs would go ...',
  }),
  max_percent: whole(1, 100).default(30).register(docs, { comment: '... and more than this share of all of them.' }),
});

export const audit = z.strictObject({
  retention_days: whole(0, 3650)
    .default(365)
    .register(docs, {
      comment: `How many days the audit trail is kept (CNIL advises 6 months to 1 year); 0: for ever. What is older is
pruned by the sidecar and leaves a sealed checkpoint, so that the rest can still be proven.`,
    }),
});

export const trace = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .register(docs, {
      comment: `Keeps who opened, read, moved, filed or deleted what in a mailbox of the delegation table, when, from
where, and what the server answered; no content, no subject, no recipient, nothing of what was searched for.
Needs [events], whose fragment has Dovecot tell it (config/dovecot/*/). In files of its own below data_dir
(private/trace/), one a month, sealed like the audit trail. "mandat trace" shows it. Not yet with a
delegation table in PostgreSQL.`,
    }),
  keep_months: whole(1, 120)
    .default(6)
    .register(docs, {
      comment: `So many whole months before the one of now are kept (CNIL advises 6 months to 1 year). What is older is
deleted by the sidecar, also where enabled is false again; the rest can still be proven, and the audit
trail says what went.`,
    }),
  looks: z
    .boolean()
    .default(false)
    .register(docs, {
      comment: `Whether looks are kept as well that show no message: counts, flags, rights. Every client makes them all
day long. Those that the server refused always are.`,
    }),
});

export const log = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info').register(docs, {
    comment: 'The least serious message that is still written.',
  }),
});

export const health = z.strictObject({
  listen: text(healthAddress)
    .default('health.sock')
    .register(docs, {
      comment: `Where the sidecar answers /healthz, /readyz and /metrics, over plain HTTP: a port of this machine
(127.0.0.1:9464), which every user of it may ask, or a Unix socket, which group mandat may. A relative path
starts from runtime_dir. No answer names anybody.`,
      isSocket: true,
    }),
});
