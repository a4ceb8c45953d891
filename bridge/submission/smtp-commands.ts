/**
 * MAIL, RCPT and XFORWARD, which smtp-server would parse, and refuse, in forms that Postfix takes: a client name in UTF-8 or with `=` in XFORWARD,
 * a recipient in quotes or without a domain. Postfix has judged the syntax already, and will again. What came belongs to the session's envelope,
 * which smtp-server makes anew after each message, RSET and EHLO; and so Postfix, too, forgets XFORWARD then.
 */
import type { SMTPServer, SMTPServerEnvelope, SMTPServerSession } from 'smtp-server';
import { type Envelope, readMail, readRecipient } from './envelope.ts';
import { eachConnection } from './smtp-connections.ts';

const MOST_RECIPIENTS = 10_000;
/** Postfix sends two at most, of 512 octets each. */
const MOST_XFORWARDS = 16;

type Handler = (command: Buffer, done?: () => void) => void;
/** Of smtp-server's SMTPConnection, which has a method `handler_VERB` for each command. */
interface Connection {
  readonly session: SMTPServerSession;
  send(code: number, text: string): void;
  _onCommand: Handler;
  handler_XFORWARD?: Handler;
  handler_MAIL?: Handler;
  handler_RCPT?: Handler;
}

/** What is known of an envelope so far. */
interface Spoken {
  readonly xforward: string[];
  mail?: Envelope['mail'];
  readonly recipients: Envelope['recipients'][number][];
}

type Answer = readonly [code: number, text: string];

/** From now on, on each connection of this server. Gives the envelope of a session that has come to DATA. */
export function takeCommands(server: SMTPServer): (session: SMTPServerSession) => Envelope | undefined {
  const envelopes = new WeakMap<SMTPServerEnvelope, Spoken>();
  const spokenIn = ({ envelope }: SMTPServerSession): Spoken => {
    const known = envelopes.get(envelope) ?? { xforward: [], recipients: [] };
    envelopes.set(envelope, known);
    return known;
  };
  eachConnection(server, (connection: Connection) => override(connection, spokenIn));
  return (session) => {
    const { xforward, mail, recipients } = spokenIn(session);
    return mail && { xforward, mail, recipients };
  };
}

function override(connection: Connection, spokenIn: (session: SMTPServerSession) => Spoken): void {
  const handled =
    (answer: (line: string, spoken: Spoken, envelope: SMTPServerEnvelope) => Answer): Handler =>
    (command, done) => {
      const line = command.toString('latin1');
      const { session } = connection;
      // Postfix cuts lines at LF and its strings at NUL: what follows one might be read as another command.
      const [code, text] = /[\0\r\n]/.test(line)
        ? ([501, '5.5.2 this command cannot be passed on as it is written'] as const)
        : answer(line, spokenIn(session), session.envelope);
      connection.send(code, text);
      done?.();
    };
  const hear = connection._onCommand.bind(connection);
  connection._onCommand = (command, done) => {
    const [, verb, rest] = VERB.exec(command.toString('latin1')) ?? [];
    hear(verb === undefined ? command : Buffer.from(`${verb} ${rest}`, 'latin1'), done);
  };
  connection.handler_XFORWARD = handled((line, { xforward, mail }) => {
    if (mail !== undefined) return [503, '5.5.1 a message is being sent'];
    if (xforward.length >= MOST_XFORWARDS) return [501, '5.5.4 too many XFORWARD commands'];
    xforward.push(line.replace(TOO_LONG, (value) => value.slice(0, LONGEST_VALUE).replace(/\+[0-9A-F]?$/, '')));
    return OK;
  });
  connection.handler_MAIL = handled((line, spoken, envelope) => {
    if (spoken.mail !== undefined) return [503, '5.5.1 nested MAIL command'];
    const mail = readMail(line);
    if (mail === undefined) return [501, '5.1.7 this sender cannot be read: it is to be written as <name@domain>'];
    spoken.mail = mail;
    envelope.mailFrom = { address: mail.address, args: false };
    return OK;
  });
  connection.handler_RCPT = handled((line, { mail, recipients }, envelope) => {
    if (mail === undefined) return [503, '5.5.1 MAIL is needed first'];
    if (recipients.length >= MOST_RECIPIENTS) return [452, '4.5.3 too many recipients'];
    recipients.push(readRecipient(line));
    envelope.rcptTo = [{ address: '', args: false }]; // all that smtp-server asks of it: that there is one
    return OK;
  });
}

/** smtp-server knows a verb by the space after it; Postfix takes tabs, and spaces in front. */
const VERB = /^\s*(MAIL|RCPT)\s(.*)$/is;

/** Postfix refuses the values of XFORWARD that it sends itself where they are longer: a client's name, in xtext. */
const LONGEST_VALUE = 255;
const TOO_LONG = new RegExp(`(?<==)[^ ]{${LONGEST_VALUE + 1},}`, 'g');

const OK: Answer = [250, 'Accepted'];
