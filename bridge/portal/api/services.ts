/**
 * Programs of the site that ask for people whom they have signed in themselves, each with a key of its own: `[portal.services.NAME]`. A key is
 * compared by its digest, and read anew when its file changes.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../../../config/schema.ts';
import { type SecretSource, serviceKey } from '../../../config/secret.ts';
import { keptSecret } from '../../configured/secrets.ts';
import { Failure, failureOf } from '../../shared/failure.ts';

type Settings = NonNullable<Config['portal']>['services'];

export interface Service {
  readonly name: string;
  /** Ids of operations. */
  readonly actions: ReadonlySet<string>;
}

export interface Services {
  /** Whose key it is; undefined where it is nobody's. */
  withKey(key: string): Service | undefined;
}

/** 190 random bits and more, in base64. */
const SHORTEST = 32;
/** What a request can bring as a token. RFC 6750 section 2.1 */
const KEY = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Fails `config` where a key can't be read, is short, or is two services'. */
export function openServices(settings: Settings, env: SecretSource['env'], log: Logger): Services {
  const services = Object.entries(settings).map(([name, { keyFile, actions }]) => {
    const secret = keptSecret({ ...serviceKey(name), file: keyFile, env });
    return {
      name,
      actions: new Set<string>([actions].flat()),
      secret,
      read: () => sound(name, keyFile, secret.read()),
    };
  });
  const keys = services.map(({ name, read }) => [name, read()] as const);
  for (const [name, key] of keys) {
    const [other] = keys.find(([one, its]) => one !== name && its === key) ?? [];
    if (other === undefined) continue;
    const hint = 'give each a key of its own: the trail tells them apart by it';
    throw new Failure('config', `[portal.services] ${name} and ${other} have the same key`, hint);
  }
  /** One whose file can't be used any more is nobody's, and keeps no other from being let in. */
  const current = ({ name, read }: (typeof services)[number]): string | undefined => {
    try {
      return read();
    } catch (error) {
      log.error({ service: name }, `the key of a service is not taken: ${failureOf(error).message}`);
      return undefined;
    }
  };
  return {
    withKey: (given) => {
      const found = services.filter((one) => {
        const key = current(one);
        return key !== undefined && timingSafeEqual(digest(key), digest(given));
      });
      const [service] = found;
      return found.length === 1 ? service : undefined;
    },
  };
}

const digest = (text: string) => createHash('sha256').update(text).digest();

function sound(name: string, file: string, key: string): string {
  if (key.length >= SHORTEST && KEY.test(key)) return key;
  const what = key.length < SHORTEST ? `has ${key.length} characters` : 'holds what no token may hold';
  const hint = `write another: openssl rand -base64 48 > ${file}, and give it to the program`;
  throw new Failure(
    'config',
    `the key of [portal.services.${name}] ${what}; ${SHORTEST} of A-Z a-z 0-9 - . _ ~ + / and = at the end are a key`,
    hint,
  );
}
