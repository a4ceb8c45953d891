/** Asking before something ends. R48: the default is No; a script must say --yes. */
import { Failure } from '../bridge/shared/failure.ts';
import { oneLine } from './output.ts';
import type { Session } from './session.ts';

/** Fails as wrong usage where nobody can be asked and --yes isn't given. */
export async function confirmed(
  { out }: Pick<Session, 'out'>,
  question: string,
  yes: boolean | undefined,
  unasked = {
    message: 'this asks before it acts, and there is no terminal to ask at; nothing was changed',
    hint: 'give --yes to go ahead',
  },
): Promise<boolean> {
  if (yes === true) return true;
  if (out.json || !process.stdin.isTTY || !process.stderr.isTTY) {
    throw new Failure('config', unasked.message, unasked.hint);
  }
  const { default: confirm } = await import('@inquirer/confirm'); // only here, so that other commands start without it
  const answer = await confirm({ message: oneLine(question), default: false }, { output: process.stderr }).catch(
    () => false,
  );
  if (!answer) out.warn('mandat: cancelled, nothing was changed');
  return answer;
}
