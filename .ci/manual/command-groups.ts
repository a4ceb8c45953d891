// What the definitions of the commands don't say: by which task somebody looks for one, and what each exit status means of it.

/** By the first word of a command. One that stands in no group is found by tests/docs/reference.test.ts. */
export const GROUPS: readonly { readonly title: string; readonly commands: readonly string[] }[] = [
  { title: 'Setting up', commands: ['setup', 'init', 'doctor'] },
  { title: 'Mailboxes, domains and people', commands: ['mailbox', 'domain', 'delegate'] },
  { title: 'Delegating', commands: ['grant', 'revoke', 'suspend', 'resume', 'send-mode'] },
  { title: 'Who has what, and why', commands: ['list', 'who', 'what', 'explain', 'history'] },
  { title: 'Accounts of delegates', commands: ['account'] },
  { title: 'The national directory', commands: ['directory'] },
  {
    title: 'Running',
    commands: ['run', 'filter', 'portal', 'shares', 'stand-in', 'status', 'sync', 'verify', 'notices'],
  },
  { title: 'The audit trail, and the trace of access', commands: ['audit', 'trace'] },
  {
    title: 'Work on the servers, backup, and the way on and off',
    commands: ['adopt', 'pause', 'server', 'database', 'backup', 'restore', 'withdraw', 'uninstall'],
  },
  { title: 'For the shell', commands: ['completion', 'man'] },
];

/** Beside what holds of every command: 0, and 2, 3 and 5 as the page says them at its top. */
export interface Exits {
  readonly 1?: string;
  readonly 3?: string;
  readonly 4?: string;
  readonly 5?: string;
}

const NO_MAILBOX = 'no such mailbox';
const NO_DELEGATE = 'no such delegate';
const RULE = 'a rule refuses it';
const FOLLOWED = {
  1: 'declined; or saved, and a server refuses it or its set-up is wrong, or the row has been put back by somebody',
  5: 'saved, and not verified in time: the sidecar goes on trying',
} as const;
const PASSED = {
  1: 'declined; or, where no sidecar runs, a server refuses it or the guard holds something',
  5: 'saved, and, where no sidecar runs, a server is away',
} as const;
const ACCOUNT = {
  3: `${RULE}: the state of the account, a wrong or late code, an address within MSSanté`,
  4: NO_DELEGATE,
} as const;

export const EXITS: Readonly<Record<string, Exits>> = {
  setup: { 1: 'declined, or a check of the doctor has failed afterwards', 3: 'one of the answers is refused' },
  init: { 1: "the table's rules are not the released ones: `--repair-rules`" },
  doctor: { 1: 'a check has failed' },
  'mailbox add': { 3: RULE },
  'mailbox list': {},
  'mailbox show': { 4: NO_MAILBOX },
  'mailbox set': { ...PASSED, 3: RULE, 4: NO_MAILBOX },
  'mailbox remove': { ...PASSED, 4: NO_MAILBOX },
  'mailbox contact': { 3: RULE, 4: NO_MAILBOX },
  'mailbox alias list': { 4: NO_MAILBOX },
  'mailbox alias add': { ...PASSED, 3: RULE, 4: NO_MAILBOX },
  'mailbox alias remove': { ...PASSED, 4: 'no such mailbox, or it has no such alias' },
  'domain set': { ...PASSED, 3: RULE },
  'domain list': {},
  'domain remove': { ...PASSED, 4: 'nothing has been decided on this domain' },
  'delegate add': { 3: RULE },
  'delegate list': {},
  'delegate show': { 4: NO_DELEGATE },
  'delegate set': { ...PASSED, 3: RULE, 4: NO_DELEGATE },
  'delegate credential': { ...PASSED, 3: RULE, 4: NO_DELEGATE },
  'delegate sync': { ...PASSED, 3: RULE, 4: 'the file names somebody who is no delegate; nothing was written' },
  'delegate remove': { ...PASSED, 4: NO_DELEGATE },
  grant: { ...FOLLOWED, 3: `${RULE}; of a file, one line at least is refused`, 4: 'no such mailbox or delegate' },
  revoke: {
    ...FOLLOWED,
    3: `${RULE}; of a file, one line at least is refused`,
    4: 'no such mailbox, delegate or delegation',
  },
  suspend: { ...FOLLOWED, 4: 'no such mailbox, delegate or delegation' },
  resume: { ...FOLLOWED, 4: 'no such mailbox, delegate or delegation' },
  pause: { 5: 'paused, and a pass from before still has something in hand' },
  adopt: {
    1: 'a mailbox could not be looked into; declined; or, where no sidecar runs, a server refuses it',
    3: 'one entry at least is refused by a rule, or mandat is paused',
    5: 'adopted, and, where no sidecar runs, a server is away',
  },
  uninstall: {
    1: 'declined; or something is left: to do by hand, on the servers, in the sender map. Call it again',
    3: 'mandat is paused',
    5: 'a server is away: call it again',
  },
  'send-mode': { 3: RULE, 4: 'no such mailbox, delegate or delegation' },
  list: { 4: 'no such mailbox or delegate' },
  who: { 4: NO_MAILBOX },
  what: { 4: NO_DELEGATE },
  explain: { 4: 'no such mailbox, delegate or delegation' },
  history: {},
  'account show': { 4: NO_DELEGATE },
  'account activate': { ...ACCOUNT, 1: 'the identity was not confirmed' },
  'account set-contact': ACCOUNT,
  'account confirm': ACCOUNT,
  'account cancel': ACCOUNT,
  'account accept-terms': { ...PASSED, ...ACCOUNT },
  'account opt-out': ACCOUNT,
  'account end': { ...PASSED, ...ACCOUNT },
  'account open-mailbox': { ...FOLLOWED, 3: RULE, 4: NO_DELEGATE },
  'directory import': { 3: 'the extract is cut, empty or of another kind; the old one stays' },
  'directory search': { 3: 'fewer than two criteria' },
  'directory status': {},
  run: { 3: 'a sidecar runs already', 5: "a port is taken, or a server can't be reached" },
  portal: {},
  filter: {},
  'shares serve': {},
  'shares import': {},
  'stand-in': { 1: 'the sidecar was not there again in time' },
  status: { 1: 'something failed, is late or is held, the trail is broken, or no sidecar runs' },
  sync: {
    1: 'a mailbox failed, or the guard holds something',
    4: NO_MAILBOX,
    5: 'a server is away; or another sync is at work',
  },
  verify: { 1: 'what is on the server differs from the table', 4: NO_MAILBOX, 5: 'the server is away' },
  'notices list': {},
  'notices retry': { 1: 'no address is known for at least one of them' },
  'notices templates': {},
  'audit list': {},
  'audit verify': { 1: 'the trail is broken: the first broken record is named' },
  'audit export': {},
  'trace list': { 3: 'somebody asks for a mailbox that is not theirs' },
  'trace verify': { 1: 'the trace is broken: what is wrong in each file is named' },
  'server forget': { 1: 'declined', 3: 'it is in use still', 4: 'nothing is known of it' },
  'database copy': {
    1: 'declined: the copy stays unfinished, and what is in use stays in use',
    3: 'something else is at the destination, or the trail is not proven; nothing was closed',
    5: 'PostgreSQL is away, or a program writes for too long: call it again',
  },
  backup: {
    1: 'the copy is made, and its audit trail could not be proven: it is broken, or of an older version',
    5: 'a program holds a database for too long',
  },
  restore: {
    1: 'declined; or put back, and its audit trail could not be proven, as when it was copied',
    3: 'a sidecar or a submission filter runs on these data',
    5: 'another program has a database open',
  },
  'restore accept': { 1: 'declined' },
  withdraw: {
    1: 'declined; or a mailbox failed, and something stands still',
    5: 'a server is away: the sidecar goes on',
  },
  completion: {},
  man: {},
};
