// What the submission filter, the taker of copies and the socketmap answer, for docs/reference/codes.md. By the words in which the code says it,
// with ... for what differs from message to message: code-sources.ts finds those that are missing here.

export interface Answer {
  /** 451; where it is another server's, `4xx`. */
  readonly code: string;
  /** From the enhanced status code on. */
  readonly says: string;
  readonly means: string;
}

/** To whoever submits a message. */
export const FILTER: readonly Answer[] = [
  {
    code: '530',
    says: '5.7.0 nobody has logged in',
    means:
      'the message came to the filter without a login: the service that hands it over is not one where users log in',
  },
  {
    code: '550',
    says: '5.7.1 <...>: ... may not send as this address (...)',
    means:
      'neither an own address nor one of an owner who has delegated their mailbox to this login; where it stands is in brackets: the envelope, From, Author, a resent field',
  },
  {
    code: '550',
    says: "5.7.1 the display name in ... shows an address that is not the sender's",
    means: 'a name beside the address looks like an address that this login may not use (`[submission] on_imitation`)',
  },
  {
    code: '550',
    says: '5.6.0 ambiguous header: ...',
    means:
      'programs could read this header in different ways; the reason follows. The mail program, or whatever wrote the header, must be mended',
  },
  {
    code: '550',
    says: '5.6.0 ... is not in the form that all programs read alike ("Name" <address>), and cannot be brought into it, since a DKIM signature covers it: correct it, or sign later',
    means: 'the message was signed before submission, so its header cannot be changed',
  },
  {
    code: '552',
    says: '5.3.4 the header is longer than ... bytes',
    means: 'the header alone is larger than any honest one',
  },
  {
    code: '554',
    says: '5.7.1 this message does not come from the submission service',
    means: "on top of the header there is no Received field of this site's Postfix",
  },
  { code: '554', says: '5.6.0 a line ends with LF alone', means: 'a bare LF, by which one message can be made two' },
  {
    code: '451',
    says: '4.3.0 who may send as whom cannot be looked up now: try again',
    means: 'the table cannot be read: `mandat status`, `mandat doctor`',
  },
  {
    code: '451',
    says: '4.3.0 <...>: ... has lost the right to send as this address together with many others, ...',
    means:
      'this login has lost the right together with many others at once, which may be an accident: the guard holds it (`mandat sync --force`, or put the table right)',
  },
  {
    code: '451',
    says: '4.3.0 the message could not be handed back to the mail server: try again',
    means: 'Postfix does not take messages at `[submission] reinject`',
  },
  {
    code: '451',
    says: '4.3.0 the submission filter has failed: try again',
    means: 'a defect of mandat: the log has it',
  },
];

/** To Postfix, of a command that it should not have sent. */
export const COMMANDS: readonly Answer[] = [
  { code: '452', says: '4.5.3 too many recipients', means: 'more than 10,000 in one message' },
  {
    code: '501',
    says: '5.1.7 this sender cannot be read: it is to be written as <name@domain>',
    means: 'MAIL FROM has another form than Postfix passes on',
  },
  {
    code: '501',
    says: '5.5.2 this command cannot be passed on as it is written',
    means: 'a line break or a NUL in a command',
  },
  { code: '501', says: '5.5.4 too many XFORWARD commands', means: 'more than sixteen before one message' },
  { code: '503', says: '5.5.1 MAIL is needed first', means: 'RCPT TO before MAIL FROM' },
  { code: '503', says: '5.5.1 a message is being sent', means: 'XFORWARD after MAIL FROM' },
  { code: '503', says: '5.5.1 nested MAIL command', means: 'MAIL FROM twice' },
];

/** To Postfix, of a copy for an owner's Sent: they stand in its queue and its log. */
export const COPIES: readonly Answer[] = [
  { code: '250', says: '2.0.0 ...', means: 'stored, or there already' },
  {
    code: '550',
    says: '5.1.1 no such address',
    means: 'no ticket of this site: somebody else wrote to the domain of copies',
  },
  { code: '552', says: '5.3.4 message too big', means: 'larger than 150 MiB' },
  { code: '451', says: '4.3.0 not stored', means: 'the connection broke, or a defect of mandat; Postfix tries again' },
  { code: '451', says: '4.2.2', means: "the owner's mailbox is full; Postfix tries again" },
  { code: '451', says: '4.2.1', means: 'the mail server has no account of the owner now; Postfix tries again' },
  { code: '451', says: '4.3.0', means: 'what the line says; Postfix tries again' },
  { code: '550', says: '5.1.1', means: 'no such mailbox in the table: given up' },
  { code: '550', says: '5.7.1', means: 'refused: given up' },
  { code: '550', says: '5.3.4', means: 'the mail server takes no message of this size: given up' },
];

/** To Postfix, of a lookup (`[sender_rules] kind = "socketmap"`). */
export const SOCKETMAP: readonly Answer[] = [
  { code: '', says: 'OK ...', means: 'these logins may use the address' },
  { code: '', says: 'NOTFOUND', means: 'nobody is known who may; Postfix asks its next table' },
  { code: '', says: 'TEMP the sender rules cannot be read', means: 'Postfix defers the message' },
  { code: '', says: 'PERM a name and a key are expected', means: 'not a question of a socketmap' },
  {
    code: '',
    says: 'PERM there is no such table: ask for "..."',
    means: 'main.cf names another table than the fragment does',
  },
  { code: '', says: 'PERM too many logins for one address', means: 'the answer would be longer than Postfix reads' },
  { code: '', says: 'PERM the request is ...', means: 'it is broken' },
];
