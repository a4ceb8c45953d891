/**
 * Passwords and keys. They are read when a connection needs them, never kept in the `Config`, and stand in no message.
 */
import { accessSync, closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type Mistake } from './mistake.ts';

/** Which key of the configuration and which environment variable give a secret. */
export interface SecretName {
  readonly name: string;
  readonly envName: string;
  /** As systemd passes it to the service (`LoadCredential=`), where its unit does. systemd.exec(5) */
  readonly credential?: string;
}
export const IMAP_ADMIN_PASSWORD: SecretName = {
  name: 'imap.admin_password_file',
  envName: 'MANDAT_IMAP_ADMIN_PASSWORD',
  credential: 'imap.secret',
};
export const DOVEADM_API_KEY: SecretName = {
  name: 'sessions.api_key_file',
  envName: 'MANDAT_DOVEADM_API_KEY',
  credential: 'doveadm.secret',
};
export const SMTP_PASSWORD: SecretName = {
  name: 'notices.password_file',
  envName: 'MANDAT_SMTP_PASSWORD',
  credential: 'smtp.secret',
};
export const EVENTS_PASSWORD: SecretName = {
  name: 'events.password_file',
  envName: 'MANDAT_EVENTS_PASSWORD',
  credential: 'events.secret',
};

export const OIDC_SECRET: SecretName = {
  name: 'portal.client_secret_file',
  envName: 'MANDAT_OIDC_SECRET',
  credential: 'oidc.secret',
};

/** Of one of `[portal.services.NAME]`. */
export const serviceKey = (service: string): SecretName => ({
  name: `portal.services.${service}.key_file`,
  envName: 'MANDAT_SERVICE_KEY_NAME'.replace('NAME', service.toUpperCase().replaceAll('-', '_')),
});

export const DATABASE_PASSWORD: SecretName = {
  name: 'database_password_file',
  envName: 'MANDAT_DATABASE_PASSWORD',
  credential: 'database.secret',
};

export interface SecretSource extends SecretName {
  /** Absolute path of the file; from the `Config`. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The secret: the environment variable if it is set, else the file's content, else, where this user can't read that file, what systemd
 * has passed of it; line ends at its end are dropped.
 * Refused: an empty secret, one of several lines, a file that others may read or its group may write.
 * Throws ConfigError.
 */
export function readSecret(source: SecretSource): string {
  const { name, file, envName, env } = source;
  const given = env[envName];
  const fromEnv = given !== undefined;
  const subject = fromEnv ? `$${envName}` : file;
  const fail = (mistake: Omit<Mistake, 'path'>): never => {
    throw new ConfigError(subject, [{ path: name, ...mistake }]);
  };

  const content = fromEnv ? given : (passed(source) ?? readPrivate(file, envName, fail));
  const secret = content.replace(/[\r\n]+$/, '');
  if (secret.trim() === '') {
    return fail({
      message: `${subject} is empty`,
      remedy: fromEnv ? `put the secret into it, or unset it to read ${file}` : 'put the secret on its first line',
    });
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(secret)) {
    return fail({
      message: `${subject} holds a line break or another control character`,
      remedy: 'a secret is one line of text and nothing else',
    });
  }
  return secret;
}

/** Undefined where the file can be read, or systemd has passed nothing. Its unit passes an empty line for a file that isn't there. */
function passed({ file, credential, env }: SecretSource): string | undefined {
  const directory = env.CREDENTIALS_DIRECTORY;
  if (directory === undefined || credential === undefined || mayRead(file)) return undefined;
  try {
    const content = readFileSync(join(directory, credential), 'utf8');
    return content.trim() === '' ? undefined : content;
  } catch {
    return undefined;
  }
}

function mayRead(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

type Fail = (mistake: Omit<Mistake, 'path'>) => never;

/** The content of a regular file that only its owner writes and others can't read; mode and content of the same file. */
function readPrivate(file: string, envName: string, fail: Fail): string {
  const fd = open(file, envName, fail);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile())
      return fail({ message: `${file} is not a regular file`, remedy: `name a file, or set $${envName}` });
    if ((stat.mode & 0o027) !== 0) {
      const mode = (stat.mode & 0o777).toString(8);
      const who = (stat.mode & 0o007) !== 0 ? 'everybody on this machine has access to it' : 'its group may write it';
      return fail({ message: `${file} has mode ${mode}: ${who}`, remedy: `chmod 600 ${file}` });
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function open(file: string, envName: string, fail: Fail): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe must not keep us waiting
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return fail({
        message: `${file} does not exist, and $${envName} is not set`,
        remedy: `write the secret into ${file} and chmod 600 it, or set $${envName}`,
      });
    }
    return fail({
      message: `${file} cannot be read (${code ?? 'unknown error'})`,
      remedy: 'let the user that runs mandat own it, with mode 600',
    });
  }
}
