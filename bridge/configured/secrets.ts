/**
 * Secrets that may be changed while the sidecar runs: the file is read anew when it is another than it was, so that a new password needs
 * no reload. Read first when the driver is made, so that a file that can't be read is told at the start.
 */
import { statSync } from 'node:fs';
import type { Config } from '../../config/schema.ts';
import { DOVEADM_API_KEY, IMAP_ADMIN_PASSWORD, readSecret, type SecretSource } from '../../config/secret.ts';
import { Failure } from '../shared/failure.ts';

type Environment = SecretSource['env'];

export interface KeptSecret {
  /** Fails `config` where the file has changed and can't be used. */
  read(): string;
}

export function keptSecret(source: SecretSource): KeptSecret {
  let known = { stamp: stampOf(source), secret: readSecret(source) };
  return {
    read: () => {
      const stamp = stampOf(source);
      if (stamp !== known.stamp) known = { stamp, secret: anew(source) };
      return known.secret;
    },
  };
}

export function imapAdminSecret({ imap }: Pick<Config, 'imap'>, env: Environment): SecretSource {
  return { ...IMAP_ADMIN_PASSWORD, file: imap.adminPasswordFile, env };
}

export function doveadmSecret({ apiKeyFile }: NonNullable<Config['sessions']>, env: Environment): SecretSource {
  return { ...DOVEADM_API_KEY, file: apiKeyFile, env };
}

/** Of all that passes need; differs when one of them has changed. */
export function secretsStamp(config: Config, env: Environment): string {
  const { sessions } = config;
  const sources = [imapAdminSecret(config, env), ...(sessions === undefined ? [] : [doveadmSecret(sessions, env)])];
  return sources.map(stampOf).join(' ');
}

/** Differs after each change of the file, and is no more of the secret than that. Never throws. */
export function stampOf({ file, envName, env }: SecretSource): string {
  if (env[envName] !== undefined) return 'in the environment';
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code); // read() says what is wrong with it
  }
}

function anew(source: SecretSource): string {
  try {
    return readSecret(source);
  } catch (error) {
    const [mistake] = (error as { mistakes?: readonly { message: string; remedy: string }[] }).mistakes ?? [];
    if (mistake === undefined) throw error;
    throw new Failure('config', mistake.message, mistake.remedy, { cause: error });
  }
}
