/** What is told of a message once its fate is known: to the log, and to whoever keeps the record. */
import type { Logger } from 'pino';
import type { SubmissionVerdict } from '../../acl/verdict.ts';
import type { Envelope } from './envelope.ts';
import type { Reply } from './smtp-stream.ts';

/** What was said of it, and why. */
export interface Outcome {
  readonly login: string | null;
  /** The addresses of the mailboxes on whose behalf it is sent, as From names them. */
  readonly owners: readonly string[];
  readonly messageId: string | null;
  readonly verdict: SubmissionVerdict['kind'];
  /** What the client was told: of a message that passed, Postfix's answer. */
  readonly reply: Reply;
  /** The extra recipients, and whether Postfix has taken them. */
  readonly extra: readonly { readonly address: string; readonly taken: boolean }[];
  /** Of what the client has sent (Fingerprint.content), where a copy goes along. */
  readonly content: string | null;
  /** The address that the login may not use, where that is why it was refused. */
  readonly forged: string | null;
}

/** What became of one message. No address of a recipient, no subject. */
export interface Seen extends Outcome {
  /** In octets, as far as it was read. */
  readonly size: number;
  readonly recipients: number;
  /** Of the recipients, each once, sorted. */
  readonly domains: readonly string[];
}

/** Never rejects: a failure of `observe` is logged, and changes nothing for the client. */
export async function tell(
  outcome: Outcome,
  { recipients }: Pick<Envelope, 'recipients'>,
  size: number,
  log: Pick<Logger, 'info' | 'warn' | 'error'>,
  observe: ((seen: Seen) => void | Promise<void>) | undefined,
): Promise<void> {
  const { login, owners, verdict, reply } = outcome;
  const facts = { login, owners, verdict, code: reply.code, size, recipients: recipients.length };
  if (verdict === 'pass') log.info(facts, 'submitted');
  else log.warn(facts, 'not submitted');
  const domains = recipients.flatMap(({ domain }) => domain?.toLowerCase() ?? []);
  try {
    await observe?.({
      ...outcome,
      size,
      recipients: recipients.length,
      domains: [...new Set(domains)].sort(),
    });
  } catch (error) {
    log.error({ err: (error as Error).message }, 'a submission could not be recorded');
  }
}
