/** Dovecot's doveadm commands over HTTP: POST [[command, parameters, tag], ...], answered in that order. */
import { Failure } from '../shared/failure.ts';

export interface DoveadmOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly timeoutMs: number;
}

/** `type` of a command that wasn't done: `unAuthorized` when the key may not, `exitCode` when it went wrong. */
export type Answer =
  | { readonly done: true; readonly rows: readonly Row[] }
  | { readonly done: false; readonly type: string; readonly exitCode: number | undefined };

/** One line of what a command printed, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

export type Command = readonly [name: string, parameters: object];

/** Runs one doveadm command, named as the HTTP API names it. */
export async function ask(options: DoveadmOptions, ...command: Command): Promise<Answer> {
  const [answer] = (await askAll(options, [command])) ?? [];
  if (answer === undefined) throw notDoveadm(options.url, 'answered 200');
  return answer;
}

/** Runs several, one after the other. Undefined: the answer can't be read, and what was done isn't known. */
export async function askAll(
  options: DoveadmOptions,
  commands: readonly Command[],
): Promise<readonly Answer[] | undefined> {
  const answers = await post(
    options,
    commands.map((command) => [...command, 'mandat']),
  );
  return answers?.map(read);
}

function read([kind, ...details]: readonly unknown[]): Answer {
  // Dovecot 2.3 closes the list too early where rows have different users or services: some stand beside it.
  if (kind === 'doveadmResponse') return { done: true, rows: details.flat().filter(isRow) };
  const [error] = details as readonly ({ type?: string; exitCode?: number } | undefined)[];
  return { done: false, type: error?.type ?? 'unknown answer', exitCode: error?.exitCode };
}

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null;

/** A session more makes an answer of `who` a hundred bytes longer. */
const LARGEST_ANSWER = 8 * 1024 * 1024;

async function post(
  { url, apiKey, timeoutMs }: DoveadmOptions,
  body: unknown,
): Promise<readonly unknown[][] | undefined> {
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
  if (status !== 200) throw notDoveadm(url, `answered ${status}`);
  try {
    const answers: unknown = JSON.parse(text);
    return Array.isArray(answers) && answers.every(Array.isArray) ? answers : undefined;
  } catch {
    return undefined;
  }
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
