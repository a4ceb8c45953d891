/**
 * A login that the server knows by another name: it may drop the domain or fold the case (Dovecot's auth_username_format, Cyrus'
 * defaultdomain) before it looks anybody up. An entry for the name in the table would then be nobody's, so the table must have
 * the server's.
 */
import { Failure, failureOf } from './failure.ts';

export class OtherLogin extends Failure {
  /** What the server made of the login. */
  readonly made: string;

  constructor(login: string, made: string, cause = 'auth_username_format in Dovecot') {
    super(
      'config',
      `the IMAP server makes ${made} of the login ${login} (${cause}): an entry for ${login} would be nobody's`,
      remedy(
        made,
        (login) => `mandat mailbox set ADDRESS --login ${login}, or mandat delegate set IDENTIFIER --login ${login}`,
      ),
      { rule: 'OTHER_LOGIN' },
    );
    this.made = made;
  }
}

/** Whether a server may have made one of the other: the same but for case, or one without the domain of the other. */
export function isAlike(login: string, made: string): boolean {
  const [one, other] = [login.toLowerCase(), made.toLowerCase()];
  return login !== made && (one === other || localOf(one) === other || localOf(other) === one);
}

/** The same failure with the very command that mends it, as far as it is one of these. */
export function naming(error: unknown, command: string): Failure {
  const failure = failureOf(error);
  if (!(failure instanceof OtherLogin)) return failure;
  const hint = remedy(failure.made, (login) => `${command} --login ${login}`);
  return new Failure(failure.code, failure.message, hint, { cause: failure, rule: failure.rule ?? '' });
}

function remedy(made: string, command: (login: string) => string): string {
  if (made === made.toLowerCase()) return `give the login as the server has it: ${command(made)}`;
  return 'logins are in small letters here: let the server fold them, in Dovecot by auth_username_format = %Lu or %Ln';
}

const localOf = (login: string) => login.split('@')[0];
