/** What /metrics has is what the manual, the alerts and the dashboard speak of; and where a sidecar answers, and where not. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../bridge/health/catalogue.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { ConfigError } from '../../config/mistake.ts';
import { parseConfig } from '../../config/parse.ts';
import { type Desk, desk, WITH_SENDERS } from '../cli/desk.ts';
import { type Lasting, lasting } from '../cli/lasting.ts';
import { ask, type Scrape, scrape } from './scrape.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const LIMIT_MS = 60_000;

t.test('[health] listen', async (t) => {
  const listen = (value: string) =>
    parseConfig(`[health]\nlisten = ${JSON.stringify(value)}`, '/etc/mandat/mandat.toml').health?.listen;
  /** What is written, what it is, or undefined where it is refused. */
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['127.0.0.1:9464', '127.0.0.1:9464'],
    ['127.8.0.1:1', '127.8.0.1:1'],
    ['[::1]:9464', '[::1]:9464'],
    ['localhost:9464', 'localhost:9464'],
    ['health.sock', '/etc/mandat/data/run/health.sock'],
    ['/run/mandat/health', '/run/mandat/health'],
    ['sub/health', '/etc/mandat/data/run/sub/health'],
    ['0.0.0.0:9464', undefined],
    ['[::]:9464', undefined],
    ['192.0.2.1:9464', undefined],
    ['mail.example.org:9464', undefined],
    ['localhost.example.org:9464', undefined],
    [':9464', undefined],
    ['::1:9464', undefined],
    ['127.0.0.1:0', undefined],
    ['127.0.0.1:65536', undefined],
    ['9464', undefined],
    ['127.0.0.1', undefined],
    ['localhost', undefined],
    ['http://127.0.0.1:9464', undefined],
    ['http://127.0.0.1:9464/metrics', undefined],
    ['unix:/run/mandat/health.sock', undefined],
    ['127.0.0.1:http', undefined],
    ['~/health.sock', undefined],
    ['', undefined],
  ];
  for (const [value, expected] of rows) {
    if (expected === undefined) t.throws(() => listen(value), ConfigError, `"${value}" is refused`);
    else t.equal(listen(value), expected, value);
  }
});

let here: Desk;
let running: Lasting;
let said: Scrape & { readonly text: string };
let socket: string;

t.before(async () => {
  here = await desk(t, { config: `${WITH_SENDERS}[health]\n` });
  here.sql(`INSERT INTO mailbox (address) VALUES ('alice@x.test'); INSERT INTO delegate (id, login) VALUES ('bob@x.test', 'bob@x.test');
    INSERT INTO delegation (mailbox, delegate) VALUES ('alice@x.test', 'bob@x.test');`);
  socket = path.join(here.directory, 'data/run/health.sock');
  running = await lasting(t, here.configFile, 'run');
  await running.said('watching');
  said = await waitFor('it is counted', LIMIT_MS, async () => {
    const one = await scrape(socket);
    return one.values.get('mandat_failing_mailboxes{code="retry"}') === 1 ? one : undefined;
  });
});

t.test('the manual: each figure, its kind and its labels, and no other', async (t) => {
  const rows = [...read('docs/reference/metrics.md').matchAll(/^\| `(\w+)` \| (\w+) \| (.+?) \| (.*) \|$/gm)];
  const told = new Map(rows.map(([, name = '', kind, , labels = '']) => [name, { kind, labels }]));
  t.equal(told.size, rows.length, 'each once');
  t.same([...told.keys()].sort(), [...said.families.keys()].sort());
  for (const [name, { type, labels, help }] of said.families) {
    t.equal(told.get(name)?.kind, type, name);
    t.ok(help.length > 10, `${name} says what it is`);
    for (const label of labels) t.match(told.get(name)?.labels, `\`${label}\``, `${name}: ${label}`);
  }
  for (const [sample] of said.values) {
    const [, name = '', inside = ''] = /^(mandat_\w+)\{(.*)\}$/.exec(sample) ?? [];
    if (name === '' || name === 'mandat_build_info') continue;
    for (const [, label, value] of inside.matchAll(/(\w+)="([^"]*)"/g))
      if (label !== 'le') t.match(told.get(name)?.labels, `\`${value}\``, `${name}: ${label} ${value}`);
  }
});

t.test('names after the conventions of Prometheus', async (t) => {
  for (const [name, { type }] of said.families) {
    if (!name.startsWith('mandat_')) continue;
    t.match(name, /^mandat_[a-z_]+$/);
    t.equal(name.endsWith('_total'), type === 'counter', name);
    if (type === 'histogram') t.match(name, /_seconds$/);
  }
});

const DECLARED: Readonly<Record<string, { readonly help: string; readonly labels?: readonly string[] }>> = {
  ...COUNTERS,
  ...GAUGES,
  ...HISTOGRAMS,
};

/** Whether all that a query asks for is there: its figures, and the labels that it picks or sums by. */
function asks(t: Test, query: string): void {
  const names = [...query.matchAll(/\b((?:mandat|process|nodejs)_\w+)(\{[^}]*\})?/g)];
  if (names.length === 0) t.match(query, /^up\{job="mandat"\} == 0$/, 'what Prometheus itself knows');
  for (const [, name = '', picked = ''] of names) {
    const family = said.families.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    t.ok(said.families.has(family), `${name} is there`);
    const known = ['le', ...(DECLARED[family]?.labels ?? [])];
    for (const [, label = ''] of picked.matchAll(/[{,]\s*(\w+)\s*[=!]/g))
      t.ok(known.includes(label), `${name} has ${label}`);
    for (const [, list = ''] of query.matchAll(/\bby \(([^)]*)\)/g))
      for (const label of list.split(/,\s*/)) t.ok(known.includes(label), `${name} has ${label}`);
  }
}

t.test('the alerts', async (t) => {
  const rules = read('config/prometheus/alerts.yml');
  const alerts = [...rules.matchAll(/^ {6}- alert: (\w+)\n((?: {8}.+\n)+)/gm)];
  t.ok(alerts.length > 10);
  t.equal(alerts.length, [...rules.matchAll(/alert:/g)].length, 'all are read here');
  const page = read('docs/alerts.md');
  for (const [, name = '', body = ''] of alerts) {
    asks(t, /^ {8}expr: (.+)$/m.exec(body)?.[1] ?? '');
    t.match(body, `runbook: docs/alerts.md#${name.toLowerCase()}`);
    t.match(page, new RegExp(`^## ${name}\n\n\\S`, 'm'), `${name}: what to do`);
    t.match(body, /severity: (critical|warning|info)/);
    t.notMatch(body, /\{\{/, 'nothing of a label is repeated: it would name somebody where there were such a label');
  }
  t.equal([...page.matchAll(/^## Mandat/gm)].length, alerts.length, 'and none is told of that is not there');
  const without = spawnSync('promtool', ['--version']).status !== 0;
  t.test('as Prometheus reads them', { skip: without ? 'promtool is not on this machine' : false }, async (t) => {
    const checked = spawnSync('promtool', ['check', 'rules', path.join(ROOT, 'config/prometheus/alerts.yml')], {
      encoding: 'utf8',
    });
    t.equal(checked.status, 0, checked.stderr);
    const metrics = spawnSync('promtool', ['check', 'metrics'], {
      input: said.text.replace(/^(# \w+ )?nodejs_.*\n/gm, ''),
      encoding: 'utf8',
    });
    t.equal(metrics.status, 0, metrics.stderr + metrics.stdout);
  });
});

t.test('the dashboard', async (t) => {
  interface Panel {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }
  const { panels } = JSON.parse(read('config/grafana/mandat.json')) as { readonly panels: readonly Panel[] };
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const { type, title, targets = [] } of panels) {
    if (type !== 'row') t.ok(targets.length > 0, title);
    for (const { expr } of targets) asks(t, expr);
  }
  const shown = JSON.stringify(panels);
  for (const name of Object.keys(DECLARED)) t.ok(shown.includes(name), `${name} has its place`);
});

t.test('who may ask, and what', async (t) => {
  t.equal(statSync(socket).mode & 0o777, 0o660);
  t.equal((await ask(socket, '/')).status, 404);
  t.equal((await ask(socket, '/metrics/')).status, 404);
  t.equal((await ask(socket, '/constructor')).status, 404);
  t.equal((await ask(socket, '/metrics', 'POST')).status, 405);
  t.match(await ask(socket, '/metrics?x=1'), { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
  t.same(await ask(socket, '/healthz', 'HEAD'), { status: 200, type: 'application/json', body: '' });
  t.equal((await ask(socket, '/readyz')).status, 503, 'there is no IMAP server');
});

t.test('an upgrade, a body, half a request, a hundred connections: it goes on', async (t) => {
  const talk = (text: string) =>
    new Promise<void>((done) => {
      const one = net.connect({ path: socket }, () => one.write(text));
      one.on('error', () => {}).on('close', () => done());
      one.on('data', () => one.destroy());
    });
  await talk('GET /metrics HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  await talk(`POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(70_000)}`);
  await talk(`GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`);
  await talk('\0\0\0\0\r\n\r\n');
  const open = Array.from({ length: 100 }, () => net.connect({ path: socket }).on('error', () => {}));
  for (const one of open) one.destroy();
  t.equal((await waitFor('it answers', LIMIT_MS, () => ask(socket, '/healthz').catch(() => undefined))).status, 200);
});

t.test('another place at SIGHUP; a port that is taken keeps nothing from going on', async (t) => {
  const { ports, release } = await reservePorts(2);
  const [taken = 0, free = 0] = ports;
  await release();
  const squatter = net.createServer((one) => one.destroy());
  await new Promise<void>((done) => squatter.listen(taken, '127.0.0.1', done));
  t.teardown(() => squatter.close());
  const configure = (port: number) =>
    writeFileSync(
      here.configFile,
      readFileSync(here.configFile, 'utf8').replace(/\[health\][^[]*/, `[health]\nlisten = "127.0.0.1:${port}"\n`),
    );
  configure(taken);
  process.kill(running.pid, 'SIGHUP');
  t.match((await running.said(/^can't listen on .*EADDRINUSE/)).msg, /all else goes on, and it is tried again$/);
  await running.said('configuration reread');
  await t.rejects(ask(socket, '/healthz'), 'the old place is left');
  configure(free);
  process.kill(running.pid, 'SIGHUP');
  await running.said('configuration reread', 2);
  const answer = await waitFor('the new place', LIMIT_MS, () => ask(free, '/healthz').catch(() => undefined));
  t.equal(answer.status, 200);
  t.equal((await scrape(free)).values.get('mandat_mailboxes'), 1);
  t.equal(await running.end('SIGTERM'), 0);
});
