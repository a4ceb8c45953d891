/**
 * Whether the master user's password opens more than IMAP. Dovecot's auth process answers for Postfix and ManageSieve as well: who has
 * the password could send as anybody. It is tried, in both forms, only over a connection on this machine or one whose certificate is
 * accepted.
 */
import { imapEndpoint } from '../configured/drivers.ts';
import { Failure } from '../shared/failure.ts';
import { fragmentOf } from './dovecot-syntax.ts';
import type { Subject } from './examined-site.ts';
import { type Check, type Finding, fail, ok, skipped } from './finding.ts';
import { adminLogin } from './imap.ts';
import { type Address, openWire, type Trust, type Wire } from './line-session.ts';
import { greet, greeted, type Offer, reply, startTls } from './smtp-talk.ts';

export const submissionReach: Check = {
  name: 'master at submission',
  needs: [adminLogin],
  look: (subject) => reach(subject, SMTP, subject.options.submission),
};

export const sieveReach: Check = {
  name: 'master at ManageSieve',
  needs: [adminLogin],
  look: (subject) => reach(subject, MANAGE_SIEVE, subject.options.sieve),
};

interface Protocol {
  readonly ports: readonly number[];
  /** TLS from the first byte. */
  readonly implicitPort: number | undefined;
  readonly option: string;
  readonly opens: string;
  /** Greets, and answers whether STARTTLS and PLAIN are offered. */
  begin(wire: Wire): Promise<Offer>;
  startTls(wire: Wire): Promise<void>;
  /** After STARTTLS: what is offered now. */
  again(wire: Wire): Promise<Offer>;
  authenticate(wire: Wire, initial: string): Promise<'opened' | 'refused' | 'unclear'>;
}

const SMTP: Protocol = {
  ports: [587, 465],
  implicitPort: 465,
  option: '--submission HOST:PORT',
  opens: 'who has it can send as anybody',
  begin: greeted,
  startTls,
  again: greet,
  authenticate: async (wire, initial) => {
    wire.send(`AUTH PLAIN ${initial}`);
    const code = Number((await reply(wire)).at(-1)?.slice(0, 3));
    return code === 235 ? 'opened' : code >= 500 ? 'refused' : 'unclear';
  },
};

const MANAGE_SIEVE: Protocol = {
  ports: [4190],
  implicitPort: undefined,
  option: '--sieve HOST:PORT',
  opens: "who has it can redirect anybody's mail",
  begin: offered,
  startTls: async (wire) => {
    wire.send('STARTTLS');
    await wire.lines(answered);
  },
  again: offered, // the server says it anew (RFC 5804 section 2.2)
  authenticate: async (wire, initial) => {
    wire.send(`AUTHENTICATE "PLAIN" "${initial}"`);
    const answer = (await wire.lines(answered)).at(-1) ?? '';
    return /^OK/i.test(answer) ? 'opened' : /^NO/i.test(answer) ? 'refused' : 'unclear';
  },
};

const answered = (line: string) => /^(OK|NO|BYE)\b/i.test(line);

async function offered(wire: Wire): Promise<Offer> {
  const lines = (await wire.lines((line) => !line.startsWith('"'))).map((line) => line.toUpperCase());
  const last = lines.at(-1) ?? '';
  if (!answered(last)) throw new Failure('config', `it doesn't greet as a ManageSieve server: ${last}`);
  return {
    startTls: lines.some((line) => line.startsWith('"STARTTLS"')),
    plain: lines.some((line) => /^"SASL" ".*\bPLAIN\b/.test(line)),
  };
}

/** Nothing that takes so long is worth waiting for. */
const PATIENCE_MS = 10_000;

async function reach(subject: Subject, protocol: Protocol, chosen: Address | undefined): Promise<Finding> {
  const { host } = subject.config.imap;
  const addresses = chosen === undefined ? protocol.ports.map((port) => ({ host, port })) : [chosen];
  const [login = 'nobody'] = await subject.logins();
  const { adminUser, adminPassword, separator } = subject.by();
  const forms = [
    [login, adminUser],
    ['', `${login}${separator}${adminUser}`],
  ].map(([authzid, authcid]) => Buffer.from(`${authzid}\0${authcid}\0${adminPassword}`).toString('base64'));

  const verdicts: string[] = [];
  const unclear: string[] = [];
  for (const address of addresses) {
    const where = `${address.host}:${address.port}`;
    const outcomes = await Promise.all(forms.map((initial) => attempt(subject, protocol, address, initial)));
    if (outcomes.some(({ kind }) => kind === 'opened')) {
      return fail(`the master's password opens ${where}: ${protocol.opens}`, await onlyImap(subject));
    }
    const doubtful = outcomes.find((one) => one.kind === 'unclear');
    if (doubtful?.kind === 'unclear') unclear.push(`${where}: ${doubtful.why}`);
    else if (outcomes.some(({ kind }) => kind === 'closed'))
      verdicts.push(`${where} lets nobody log in with a password`);
    else if (outcomes.some(({ kind }) => kind === 'refused'))
      verdicts.push(
        `${where} refuses the master's password (${forms.length} refused logins in its log are the doctor's own)`,
      );
  }
  if (unclear.length > 0) return skipped(unclear.join('; '));
  if (verdicts.length > 0) return ok(verdicts.join('; '));
  const places = addresses.map((address) => `${address.host}:${address.port}`).join(' or ');
  return skipped(
    `nothing listens at ${places}: ${chosen === undefined ? `give ${protocol.option}` : 'check the address'}`,
  );
}

async function onlyImap(subject: Subject): Promise<string> {
  const syntax = (await subject.dovecot())?.syntax;
  const line = syntax?.lines.onlyImap ?? 'a password that is only looked up for IMAP';
  return `${line} as in ${fragmentOf(syntax, 'master-user.conf')}`;
}

type Outcome =
  | { readonly kind: 'opened' | 'refused' | 'closed' | 'nobody' }
  | { readonly kind: 'unclear'; readonly why: string };

async function attempt(subject: Subject, protocol: Protocol, address: Address, initial: string): Promise<Outcome> {
  const timeoutMs = Math.min(PATIENCE_MS, subject.config.imap.timeoutSeconds * 1000);
  let wire: Wire;
  try {
    wire = await openWire(address, timeoutMs);
  } catch {
    return { kind: 'nobody' };
  }
  try {
    // The certificate authority may sign for all of them; the name in imap.server_name is that of another server.
    const trust: Trust = { ca: imapEndpoint(subject.config).ca };
    let problem: string | undefined = 'the connection is not encrypted';
    const implicit = address.port === protocol.implicitPort;
    if (implicit) problem = (await wire.secure(trust)).problem;
    let offer = await protocol.begin(wire);
    if (!implicit && offer.startTls) {
      await protocol.startTls(wire);
      problem = (await wire.secure(trust)).problem;
      offer = await protocol.again(wire);
    }
    if (!offer.plain) return { kind: 'closed' };
    if (problem !== undefined && !wire.here) {
      return { kind: 'unclear', why: `the password is not sent there: ${problem}` };
    }
    const outcome = await protocol.authenticate(wire, initial);
    return outcome === 'unclear' ? { kind: 'unclear', why: 'it answered neither yes nor no' } : { kind: outcome };
  } catch (error) {
    return { kind: 'unclear', why: error instanceof Failure ? error.message : String(error) };
  } finally {
    wire.close();
  }
}
