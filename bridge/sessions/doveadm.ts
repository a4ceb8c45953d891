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

/** A session more makes an answer of `who` a hundred bytes longer. */
const LARGEST_ANSWER = 8 * 1024 * 1024;

async function post({ url, apiKey, timeoutMs }: DoveadmOptions, body: unknown): Promise<readonly unknown[]> {
  let status: number;
  let text: string;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `X-Dovecot-API ${Buffer.from(apiKey).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
      redirect: 'error', // the key is meant for this one
      signal: AbortSignal.timeout(timeoutMs), // the answer to its end
    });
    status = response.status;
    text = await textOf(response, url);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).name;
    throw new Failure(
      'retry',
      `doveadm at ${url} can't be reached (${cause}), so open sessions are not ended`,
      'check sessions.url and that doveadm listens there',
      { cause: error },
    );
  }
  if (status === 401) {
    throw new Failure(
      'config',
      `doveadm at ${url} refused the API key`,
      'sessions.api_key_file must hold what doveadm_api_key says',
    );
  }
  try {
    const [first] = JSON.parse(text) as unknown[][];
    if (status === 200 && Array.isArray(first)) return first;
  } catch {
    // falls through: whatever answered there isn't doveadm
  }
  throw notDoveadm(url, `answered ${status}`);
}

function notDoveadm(url: string, what: string): Failure {
  return new Failure(
    'config',
    `${url} ${what}, which is not doveadm's HTTP API`,
    'check sessions.url: it ends in /doveadm/v1',
  );
}

async function textOf({ body }: Response, url: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > LARGEST_ANSWER) throw notDoveadm(url, `answered with more than ${LARGEST_ANSWER / 1024 / 1024} MB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
