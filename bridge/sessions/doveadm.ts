/**
 * Ends open sessions through Dovecot's doveadm HTTP API: POST [["kick",{"mask":[login]},tag]].
 * The client reads `* BYE` and reconnects by itself; what it then may do is decided anew. R49.
 */
import { Failure } from '../failure.ts';
import type { SessionCutter } from '../reconcile/mail-server.ts';

export interface DoveadmOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly timeoutMs: number;
}

/** doveadm's exit status for "nobody was connected" (EX_NOHOST's neighbour 68): nothing to end is as good as ended. */
const NOBODY = 68;

export function doveadmCutter(options: DoveadmOptions): SessionCutter {
  return { cut: (login) => kick(options, login) };
}

/** The API takes a mask with wildcards; a login is never meant as one. */
export function escapeMask(login: string): string {
  return login.replace(/[\\*?]/g, '\\$&');
}

async function kick(options: DoveadmOptions, login: string): Promise<void> {
  const answer = await ask(options, 'kick', { mask: [escapeMask(login)] });
  if (answer.done) return;
  if (answer.type === 'exitCode' && answer.exitCode === NOBODY) return;
  throw new Failure(
    answer.type === 'unAuthorized' ? 'config' : 'retry',
    `doveadm at ${options.url} could not end the sessions of ${login}: ${answer.type} ${answer.exitCode ?? ''}`.trim(),
    'doveadm_allowed_commands must hold kick: config/dovecot/sessions.conf',
  );
}

/** `type` of a command that wasn't done: `unAuthorized` when the key may not, `exitCode` when it went wrong. */
export type Answer =
  | { readonly done: true }
  | { readonly done: false; readonly type: string; readonly exitCode: number | undefined };

/** Runs one doveadm command, named as the HTTP API names it. */
export async function ask(options: DoveadmOptions, command: string, parameters: object): Promise<Answer> {
  const [kind, detail] = await post(options, [[command, parameters, 'mandat']]);
  if (kind === 'doveadmResponse') return { done: true };
  const error = detail as { type?: string; exitCode?: number } | undefined;
  return { done: false, type: error?.type ?? 'unknown answer', exitCode: error?.exitCode };
}

async function post({ url, apiKey, timeoutMs }: DoveadmOptions, body: unknown): Promise<readonly unknown[]> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `X-Dovecot-API ${Buffer.from(apiKey).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).name;
    throw new Failure(
      'retry',
      `doveadm at ${url} can't be reached (${cause}), so open sessions are not ended`,
      'check sessions.url and that doveadm listens there',
      { cause: error },
    );
  }
  const text = await response.text();
  if (response.status === 401) {
    throw new Failure(
      'config',
      `doveadm at ${url} refused the API key`,
      'sessions.api_key_file must hold what doveadm_api_key says',
    );
  }
  try {
    const [first] = JSON.parse(text) as unknown[][];
    if (response.ok && Array.isArray(first)) return first;
  } catch {
    // falls through: whatever answered there isn't doveadm
  }
  throw new Failure(
    'config',
    `${url} answered ${response.status}, which is not doveadm's HTTP API`,
    'check sessions.url: it ends in /doveadm/v1',
  );
}
