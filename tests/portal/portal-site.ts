/**
 * A portal in this process, as `mandat portal` starts it, with the lab's identity provider: on free ports, over plain HTTP on loopback, with a
 * delegation table and no mail server. `signInAs` goes the whole way through the provider, as a browser does.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pino from 'pino';
import type { Test } from 'tap';
import { type Portal, startPortal } from '../../bridge/portal/portal.ts';
import type { Patience } from '../../bridge/portal/server.ts';
import { type IdentityProvider, type LabClient, startIdentityProvider } from '../../config/lab/identity-provider.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { mandatAt } from '../cli/warm.ts';
import { Browser } from './browser-cookies.ts';
import { type Claims, PEOPLE } from './people.ts';

export const CLIENT = { id: 'mandat', secret: 'lab-secret' } as const;

export interface PortalSiteOptions {
  /** TOML of [portal] beside what every portal here has. */
  readonly portal?: string;
  /** TOML of other sections; `[identity]` is there. */
  readonly config?: string;
  /** TOML of everything but [portal], where it is to be another site than {@link SITE}. */
  readonly site?: string;
  /** An existing site (a lab's): its configuration file has no [portal] yet, and gets one. Default: a site without servers. */
  readonly configFile?: string;
  /** Files beside the configuration, for their owner alone. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Beside {@link PEOPLE}. */
  readonly people?: Readonly<Record<string, Claims>>;
  readonly clients?: readonly LabClient[];
  /** How people reach it where a reverse proxy stands before it; default: as it listens, without one. */
  readonly url?: string;
  /** Milliseconds. */
  readonly clock?: () => number;
  readonly patience?: Patience;
}

export interface PortalSite {
  readonly url: string;
  readonly port: number;
  readonly config: Config;
  readonly provider: IdentityProvider;
  readonly portal: Portal;
  readonly directory: string;
  /** `mandat --config mandat.toml ...`; throws where it fails. */
  mandat(...args: readonly string[]): Promise<string>;
  /** A browser that has been nowhere yet. */
  browser(): Browser;
  /** The same, signed in as the person of that `sub`: their identifier, in {@link PEOPLE}. */
  signInAs(sub: string): Promise<Browser>;
  /** What the portal has logged. */
  readonly log: readonly Record<string, unknown>[];
  /** Ends it and starts it anew on the same port, with another configuration where one is given. */
  restart(config?: Config): Promise<void>;
}

export async function portalSite(t: Test, options: PortalSiteOptions = {}): Promise<PortalSite> {
  const directory = options.configFile === undefined ? await emptySite(t) : path.dirname(options.configFile);
  const reserved = await reservePorts(1);
  t.teardown(() => reserved.release());
  const [port = 0] = reserved.ports;
  const url = options.url ?? `http://127.0.0.1:${port}`;
  const proxies = options.url === undefined ? 0 : 1;
  const provider = await startIdentityProvider({
    clients: [{ ...CLIENT, url }, ...(options.clients ?? [])],
    people: { ...PEOPLE, ...options.people },
  });
  t.teardown(() => provider.stop());
  const configFile = path.join(directory, options.configFile === undefined ? 'mandat.toml' : 'portal.toml');
  const before = options.configFile === undefined ? (options.site ?? SITE) : await readFile(options.configFile, 'utf8');
  for (const [name, word] of Object.entries({ ...options.secrets, 'oidc.secret': CLIENT.secret }))
    await writeFile(path.join(directory, name), `${word}\n`, { mode: 0o600 });
  await writeFile(
    configFile,
    `${before}${options.config ?? ''}\n${section({ port, url, issuer: provider.issuer, proxies })}${options.portal ?? ''}`,
  );
  const mandat = async (...args: readonly string[]) => {
    const { status, stdout, stderr } = await mandatAt(configFile, args);
    if (status !== 0) throw new Error(`mandat ${args.join(' ')}: ${status}: ${stderr}`);
    return stdout;
  };
  if (options.configFile === undefined) await mandat('init');
  const config = loadConfig({ path: configFile, env: {}, cwd: directory });
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  const start = (now = config) =>
    startPortal(now, {
      env: {},
      log: logger,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.patience === undefined ? {} : { patience: options.patience }),
    });
  let portal = await start();
  t.teardown(() => portal.close());
  const browser = () => new Browser(url);
  return {
    url,
    port,
    config,
    provider,
    directory,
    mandat,
    browser,
    log,
    get portal() {
      return portal;
    },
    signInAs: async (sub) => {
      const one = browser();
      const { status, body } = await one.signIn(sub);
      if (one.read('mandat-session') === undefined)
        throw new Error(`signing in as ${sub} ended with ${status}: ${body}`);
      return one;
    },
    restart: async (now) => {
      await portal.close();
      portal = await start(now);
    },
  };
}

/** Nothing listens there. */
export const SITE = `data_dir = "data"
[identity]
scheme = "rpps"
allow_test_identities = true
unknown_credential = "valid"
[grant]
acknowledge = false
[imap]
port = 1
tls = "none"
timeout_seconds = 1
`;

const section = ({
  port,
  url,
  issuer,
  proxies,
}: Readonly<Record<'url' | 'issuer', string> & Record<'port' | 'proxies', number>>) => `[portal]
listen = "127.0.0.1:${port}"
url = "${url}"
issuer = "${issuer}"
client_id = "${CLIENT.id}"
client_secret_file = "oidc.secret"
proxies = ${proxies}
acr_values = "eidas1"
admins = ["group:mail-admins"]
readers = ["group:mail-readers"]
`;

async function emptySite(t: Test): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-portal-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755);
  await writeFile(path.join(directory, 'imap.secret'), 'secret\n', { mode: 0o600 });
  return directory;
}
