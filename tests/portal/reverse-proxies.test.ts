/** The portal behind nginx, Caddy and Apache, each by its fragment: people sign in, watch a change as it happens, and what is too much never comes through. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { REVERSE_PROXIES, startReverseProxy } from '../../config/lab/reverse-proxy.ts';
import { within } from '../../config/lab/wait.ts';
import { Browser } from './browser-cookies.ts';
import { DOCTOR, MAILBOX, peopled, SECRETARY } from './people.ts';
import { portalSite } from './portal-site.ts';

const HOST = 'delegations.lab.test';
const URL_OF_IT = `https://${HOST}`;
const LIMIT_MS = 30_000;

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request to the proxy's port, for any host; resolves with the head of the answer. */
function ask(port: number, target: string, { method = 'GET', headers = {}, body }: Asked = {}) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const request = https.request(
      {
        host: '127.0.0.1',
        port,
        path: target,
        method,
        headers: { host: HOST, ...headers },
        servername: HOST,
        rejectUnauthorized: false,
      },
      resolve,
    );
    request.on('error', reject).end(body);
  });
}

async function text(answer: IncomingMessage): Promise<string> {
  let all = '';
  for await (const chunk of answer.setEncoding('utf8')) all += chunk;
  return all;
}

/** `fetch`, with what is asked of the portal going through the proxy. */
const through =
  (port: number): typeof fetch =>
  async (input, init = {}) => {
    const url = new URL(String(input));
    if (url.host !== HOST) return fetch(input, init);
    const { method, headers, body } = new Request(`http://here/`, {
      ...init,
      ...(init.body ? { duplex: 'half' } : {}),
    } as RequestInit);
    const sent = body === null ? undefined : await new Response(body).text();
    const answer = await ask(port, `${url.pathname}${url.search}`, {
      method,
      headers: {
        ...Object.fromEntries(headers),
        ...(sent === undefined ? {} : { 'content-length': `${Buffer.byteLength(sent)}` }),
      },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const all = await text(answer);
    const plain = new Headers();
    for (let n = 0; n < answer.rawHeaders.length; n += 2)
      plain.append(answer.rawHeaders[n] ?? '', answer.rawHeaders[n + 1] ?? '');
    const { statusCode: status = 0 } = answer;
    return new Response([204, 304].includes(status) ? null : all, { status, headers: plain });
  };

for (const kind of REVERSE_PROXIES)
  t.test(`behind ${kind}`, async (t) => {
    const here = await portalSite(t, { url: URL_OF_IT });
    await peopled(here.mandat);
    const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-proxy-'));
    t.teardown(() => rm(directory, { recursive: true, force: true }));
    const proxy = await startReverseProxy(kind, { directory, host: HOST, portal: here.port });
    t.teardown(() => proxy.stop());
    t.teardown(() => void (t.passing() || t.comment(proxy.output())));
    const browser = new Browser(URL_OF_IT, through(proxy.port));

    const page = await browser.signIn(DOCTOR);
    t.match(page, { status: 200, body: MAILBOX }, 'somebody signs in');
    t.ok(browser.read('__Host-mandat-session'), 'with a cookie that only this host is told');
    t.match(page.headers.get('content-security-policy'), "default-src 'none'");

    await here.mandat('grant', MAILBOX, SECRETARY, '--no-wait');
    const events = await ask(
      proxy.port,
      `/mailboxes/${encodeURIComponent(MAILBOX)}/events?did=grant&delegate=${SECRETARY}&version=1`,
      { headers: { cookie: browser.cookie() } },
    );
    t.match(events.headers['content-type'], 'text/event-stream');
    const first = await within(
      'what is watched comes as it happens',
      LIMIT_MS,
      new Promise<string>((resolve) => events.once('data', (chunk) => resolve(String(chunk)))),
    );
    t.match(first, /^event: state\ndata: \{"text":/);
    t.equal(events.complete, false, 'and the page is still watched');
    events.destroy();

    const other = await ask(proxy.port, '/', { headers: { host: 'elsewhere.test' } });
    const elsewhere = `${other.statusCode} ${await text(other)}`;
    t.match(elsewhere, /^(421 this is another host|200 $)/, 'another host gets nothing'); // Caddy answers what it doesn't know with nothing
    const large = await ask(proxy.port, '/sign-out', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: browser.cookie() },
      body: `a=${'x'.repeat(70_000)}`,
    });
    large.resume();
    t.equal(large.statusCode, 413, 'too large a form');

    await new Browser(URL_OF_IT, through(proxy.port)).ask('/sign-in', {
      headers: { 'x-forwarded-for': '192.0.2.77' },
      follow: false,
    });
    const again = new Browser(URL_OF_IT, through(proxy.port));
    await again.ask('/', { headers: { 'x-forwarded-for': '192.0.2.77' } });
    await again.signIn(DOCTOR);
    const trail = await here.mandat('--json', 'audit', '--limit', '50');
    t.match(trail, '127.0.0.1', 'the address of whoever asks stands in the trail');
    t.notMatch(trail, '192.0.2.77', 'and not what they say of it themselves');
  });
