/**
 * Every figure that /metrics has of mandat's own, declared once: names after the Prometheus conventions (base units, `_total` for what is
 * counted, instants as seconds since 1970). Each label takes its values from a list that is known beforehand: no login, no mailbox.
 * docs/reference/metrics.md tells what each is for.
 */

interface Declared {
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Only rises, from 0 at the start of the sidecar. */
export const COUNTERS = {
  mandat_passes_total: {
    help: 'Passes over a mailbox that have ended, by what came of them and, of those that failed, who must act',
    labels: ['outcome', 'code'],
  },
  mandat_retries_total: { help: 'Passes that tried again what had failed before' },
  mandat_drift_found_total: {
    help: 'Passes that found a mailbox on the servers otherwise than they had left it, though its rows had not changed',
  },
  mandat_drift_repaired_total: { help: 'Of these, those after which the mailbox was seen to be as it should' },
  mandat_drift_reported_total: {
    help: 'Entries of delegates that somebody else had changed and that were told of and left so',
  },
  mandat_events_total: {
    help: "What has come to the place for Dovecot's events, by what became of it",
    labels: ['outcome'],
  },
  mandat_event_hints_dropped_total: { help: 'Hints by events that found no place: a sweep finds what they were about' },
  mandat_event_looks_total: { help: 'Looks at a mailbox that were begun because of events' },
  mandat_database_losses_total: { help: 'Times that the connection to PostgreSQL was lost' },
  mandat_session_cuts_total: { help: 'Times that the open IMAP sessions of a delegate were ended' },
  mandat_server_changes_total: { help: 'Changes made on the servers, by kind', labels: ['kind'] },
  mandat_messages_total: {
    help: 'Messages that the submission filter has answered since it began, by the answer',
    labels: ['answer', 'filter'],
  },
  mandat_portal_requests_total: {
    help: 'Requests that the portal has answered since it began, by the route as it is declared and the status',
    labels: ['route', 'status'],
  },
  mandat_portal_sign_ins_total: {
    help: 'Sign-ins that came back to the portal since it began, by what came of them',
    labels: ['outcome'],
  },
  mandat_trace_accesses_total: { help: 'Accesses that were written into the trace of access' },
  mandat_trace_lost_events_total: {
    help: 'Events that found no place in the trace of access, and are missing from it',
  },
} as const satisfies Record<string, Declared>;

export const HISTOGRAMS = {
  mandat_commit_to_in_force_seconds: {
    help: 'From the commit of a change to the moment when what decides stood on the servers',
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600],
  },
  mandat_commit_to_verified_seconds: {
    help: 'From the commit of a change to the moment when all of it was verified, with logins as the delegates',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600],
  },
  mandat_pass_duration_seconds: {
    help: 'How long a pass over one mailbox took',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  },
} as const satisfies Record<string, Declared & { readonly buckets: readonly number[] }>;

export const GAUGES = {
  mandat_build_info: { help: 'Always 1; the version of mandat', labels: ['version'] },
  mandat_mailboxes: { help: 'Mailboxes in the delegation table' },
  mandat_delegations: { help: 'Delegations in the table, by state, as "mandat list" calls them', labels: ['state'] },
  mandat_delegations_withheld: {
    help: 'Delegations that are not in force, by the first condition that fails',
    labels: ['why'],
  },
  mandat_queue_mailboxes: { help: 'Mailboxes that wait for a pass, by urgency', labels: ['urgency'] },
  mandat_passes_in_hand: { help: 'Passes that are at work' },
  mandat_retries_waiting: {
    help: 'Mailboxes that wait until their time to be tried again has come, by kind',
    labels: ['kind'],
  },
  mandat_pending_mailboxes: { help: 'Mailboxes with changes that are not verified yet' },
  mandat_oldest_change_age_seconds: {
    help: 'Age of the oldest change that is not verified yet; 0 where there is none',
  },
  mandat_late_mailboxes: { help: 'Mailboxes with changes that were not worked off within 10 s' },
  mandat_failing_mailboxes: { help: 'Mailboxes whose last pass failed, by who must act', labels: ['code'] },
  mandat_drift_left_mailboxes: {
    help: "Mailboxes in which a delegate's entry stands otherwise than it was given, and is left so",
  },
  mandat_restrained: {
    help: '1 while something keeps delegations from being obeyed as they stand, by what it is',
    labels: ['by'],
  },
  mandat_outbox_notices: { help: 'Notices that are not sent, by state', labels: ['state'] },
  mandat_copies_missing: {
    help: "Copies that should stand in an owner's Sent and do not, by state",
    labels: ['state'],
  },
  mandat_directory_imported_timestamp_seconds: {
    help: 'When the directory, or a list beside it, was imported last',
    labels: ['list'],
  },
  mandat_credentials_ending_soon: { help: 'Delegates of a mailbox whose credential ends within 14 days' },
  mandat_sweep_completed_timestamp_seconds: { help: 'When the last sweep over all mailboxes ended' },
  mandat_sweep_interval_seconds: { help: 'How often all mailboxes are swept, as it is configured' },
  mandat_events_up: { help: '1 while events are taken; absent where none are configured' },
  mandat_event_seen_timestamp_seconds: { help: 'When the last event came' },
  mandat_audit_head: { help: 'Number of the last sealed entry of the audit trail' },
  mandat_audit_unsealed_events: { help: 'Events that are noted and not sealed yet' },
  mandat_audit_broken: { help: '1 where the last proof of the whole audit trail found it broken' },
  mandat_trace_trouble: {
    help: '1 while the trace of access can not be written, or its old months not be deleted; absent where it is off',
  },
  mandat_trace_waiting_events: { help: 'Events that wait to be written into the trace of access' },
  mandat_trace_last_access_timestamp_seconds: { help: 'When an access was written into the trace last' },
  mandat_trace_months: { help: 'Months of the trace of access that are kept' },
  mandat_trace_broken: { help: '1 where the last proof of the whole trace of access found it broken' },
  mandat_trace_proven_timestamp_seconds: { help: 'When the whole trace of access was proven last' },
  mandat_event_loop_hold_seconds: {
    help: 'The longest time that the event loop was held at a stretch',
    labels: ['process', 'span', 'filter'],
  },
  mandat_other_entries: { help: 'ACL entries that mandat did not make and by which somebody else has access' },
  mandat_database_up: {
    help: '1 while the connection to PostgreSQL stands, 0 while it is lost; absent where the databases are files',
  },
  mandat_imap_up: { help: '1 where the IMAP server answered when it was spoken to last, 0 where it did not' },
  mandat_imap_login_refused: { help: "1 while the IMAP server takes no login by mandat's own name and password" },
  mandat_imap_seen_timestamp_seconds: { help: 'When the IMAP server was spoken to last' },
  mandat_filter_up: {
    help: '1 while the submission filter runs; absent where none is configured. Of several, each by its name',
    labels: ['filter'],
  },
  mandat_portal_up: { help: "1 while the people's own screens run; absent where none are configured" },
  mandat_portal_sessions: { help: 'How many people are signed in at the portal' },
  mandat_ready: { help: '1 where /readyz says ready' },
  mandat_standing_by: { help: '1 where another sidecar works on this server and this one stands by' },
  mandat_figures_age_seconds: { help: 'How old what was counted in the databases is' },
} as const satisfies Record<string, Declared>;

export type CounterName = keyof typeof COUNTERS;
export type HistogramName = keyof typeof HISTOGRAMS;
export type GaugeName = keyof typeof GAUGES;
