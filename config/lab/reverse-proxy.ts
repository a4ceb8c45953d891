/** A reverse proxy before the portal, by the fragment that sites install: nginx, Caddy or Apache, from its Debian package, unpacked and never installed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { makeCertificate } from './certificate.ts';
import { readFragment } from './fragment.ts';
import { fetched } from './jail.ts';
import { reservePorts } from './ports.ts';
import { run } from './run.ts';
import { waitFor, within } from './wait.ts';

export const REVERSE_PROXIES = ['nginx', 'caddy', 'apache'] as const;
export type ReverseProxyKind = (typeof REVERSE_PROXIES)[number];

export interface ReverseProxy {
  /** Of 127.0.0.1, over https. */
  readonly port: number;
  /** What it has written. */
  output(): string;
  stop(): Promise<void>;
}

export interface ReverseProxyOptions {
  /** Its own, empty. */
  readonly directory: string;
  /** As people know it. */
  readonly host: string;
  /** Where the portal listens on 127.0.0.1. */
  readonly portal: number;
}

const HOST = 'delegations.example.org';
const PORTAL = '127.0.0.1:8090';
const PACKAGES: Readonly<Record<ReverseProxyKind, readonly string[]>> = {
  nginx: ['nginx'],
  caddy: ['caddy'],
  apache: ['apache2-bin', 'libapr1', 'libaprutil1', 'liblua5.3-0'],
};
const START_MS = 60_000;
const END_MS = 20_000;

/** Ready when it returns. */
export async function startReverseProxy(kind: ReverseProxyKind, options: ReverseProxyOptions): Promise<ReverseProxy> {
  const { directory } = options;
  const root = path.join(directory, 'root');
  await mkdir(root, { recursive: true });
  for (const name of PACKAGES[kind]) await run('dpkg-deb', ['-x', await fetched(name), root]);
  const { certificate, key } = await makeCertificate(directory);
  const reservation = await reservePorts(1);
  const [port = 0] = reservation.ports;
  const [program = '', ...argv] = await PREPARE[kind]({ ...options, root, port, certificate, key });
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'TERM', path.join(root, program), ...argv], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LD_LIBRARY_PATH: libraries(root), HOME: directory, XDG_DATA_HOME: directory },
  });
  let written = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      written += text;
    });
  const log = path.join(directory, 'error.log'); // Apache's
  const output = () => (existsSync(log) ? written + readFileSync(log, 'utf8') : written);
  const stop = async () => {
    await ended(child, kind);
    await reservation.release();
  };
  try {
    await waitFor(`${kind} listens`, START_MS, () => answers(port, child, output), output);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, output, stop };
}

interface Prepared extends ReverseProxyOptions {
  readonly root: string;
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
}

const PREPARE: Readonly<Record<ReverseProxyKind, (given: Prepared) => Promise<readonly string[]>>> = {
  nginx: async ({ directory, host, portal, port, certificate, key }) => {
    const site = await readFragment('portal/nginx.conf', {
      [HOST]: host,
      [PORTAL]: `127.0.0.1:${portal}`,
      'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
      'listen [::]:443 ssl http2;': '',
      [`/etc/ssl/certs/${host}.pem`]: certificate,
      [`/etc/ssl/private/${host}.key`]: key,
    });
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${path.join(directory, name)};`,
    );
    const file = path.join(directory, 'nginx.conf');
    await writeFile(
      file,
      `daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log stderr warn;
events {}
http { access_log off; ${temporary.join(' ')}
${site}}
`,
    );
    return ['usr/sbin/nginx', '-p', directory, '-e', 'stderr', '-c', file];
  },
  caddy: async ({ directory, host, portal, port, certificate, key }) => {
    const site = await readFragment('portal/Caddyfile', {
      [`\n${HOST} {`]: `\nhttps://${host}:${port} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`,
      [PORTAL]: `127.0.0.1:${portal}`,
    });
    const file = path.join(directory, 'Caddyfile');
    await writeFile(file, `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
    return ['usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config', file];
  },
  apache: async ({ directory, host, portal, port, certificate, key, root }) => {
    const site = await readFragment('portal/apache.conf', {
      [HOST]: host,
      [PORTAL]: `127.0.0.1:${portal}`,
      '*:443': `127.0.0.1:${port}`,
      [`/etc/ssl/certs/${host}.pem`]: certificate,
      [`/etc/ssl/private/${host}.key`]: key,
    });
    const enabled = ['mpm_event', 'authz_core', 'ssl', 'socache_shmcb', 'proxy', 'proxy_http', 'reqtimeout'];
    const modules = enabled.map((name) => `LoadModule ${name}_module ${root}/usr/lib/apache2/modules/mod_${name}.so`);
    const file = path.join(directory, 'apache.conf');
    await writeFile(
      file,
      `ServerRoot ${directory}
ServerName ${host}
PidFile ${directory}/apache.pid
Mutex file:${directory}
DefaultRuntimeDir ${directory}
ErrorLog ${directory}/error.log
User nobody
Group nogroup
Listen 127.0.0.1:${port}
${modules.join('\n')}
${site}`,
    );
    return ['usr/sbin/apache2', '-D', 'FOREGROUND', '-f', file];
  },
};

const libraries = (root: string) =>
  path.join(root, `usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`);

async function answers(port: number, { exitCode }: ChildProcess, output: () => string): Promise<boolean> {
  if (exitCode !== null) throw new Error(`it ended with ${exitCode}: ${output()}`);
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function ended(child: ChildProcess, kind: string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await within(`the end of ${kind}`, END_MS, gone);
}
