/** A server's certificate is another one from one moment to the next, while the sidecar runs, and then the right one again: IMAP, doveadm's HTTP, the SMTP of notices. */
import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { waitFor } from '../../../config/lab/wait.ts';
import { writeCertificate } from '../../doctor/certificate.ts';
import { type Sink, startSink } from '../../notify/sink.ts';
import { editConfig } from '../../servers/configure.ts';
import { outcome } from '../../servers/outcomes.ts';
import { grantRow, revokeRow } from '../../servers/rows.ts';
import { at, type Running, type Site, startSite } from '../../servers/site.ts';
import { rowsIn } from '../histories/world.ts';
import { idleBusy, residentKb } from './inject.ts';
import { becomes, defects, LIMIT_MS, type Played, startedWith } from './trouble.ts';

type Pair = Readonly<Record<'key' | 'cert', Buffer>>;

interface Front {
  readonly port: number;
  show(pair: Pair): void;
  close(): Promise<void>;
}

/** TLS before a port that speaks none. What is open stays open when another certificate is shown. */
async function tlsBefore(port: number, first: Pair): Promise<Front> {
  const open = new Set<net.Socket>();
  const server = tls.createServer(first, (client) => {
    const behind = net.connect(port, '127.0.0.1');
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      open.add(one);
      one.on('error', () => {}); // 'close' follows
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.on('tlsClientError', () => {}); // who doesn't trust it says so
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    show: (pair) => server.setSecureContext(pair),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const one of open) one.destroy();
      await closed;
    },
  };
}

interface Secured {
  readonly site: Site;
  readonly sidecar: Running;
  readonly sink: Sink;
  /** Shows the right one, or a stranger's for the same name. */
  readonly show: Readonly<Record<'imap' | 'doveadm' | 'notices', (right: boolean) => Promise<void>>>;
  stop(): Promise<void>;
}

async function startSecured(): Promise<Secured> {
  const sink = await startSink();
  const site = await startSite({
    users: ['alice', 'bob'],
    postfix: false,
    tls: true,
    extraToml: `[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 2\n[notices]\nport = 1\ntls = "implicit"\nca_file = "right.crt"\nserver_name = "localhost"\nfrom = "${at('mandat')}"`,
  });
  const file = (name: string) => path.join(site.lab.directory, name);
  const pair = (name: string): Pair => ({
    key: readFileSync(file(`${name}.key`)),
    cert: readFileSync(file(`${name}.crt`)),
  });
  for (const name of ['right', 'strange'])
    await writeCertificate({
      certificate: file(`${name}.crt`),
      key: file(`${name}.key`),
      days: 365,
      names: 'DNS:localhost,IP:127.0.0.1',
    });
  const doveadm = await tlsBefore(Number(new URL(site.lab.doveadm.url).port), pair('right'));
  const notices = await tlsBefore(sink.port, pair('right'));
  const imap = async (right: boolean) => {
    for (const end of ['crt', 'key']) await copyFile(file(`${right ? 'right' : 'strange'}.${end}`), file(`lab.${end}`));
    await site.lab.stopDovecot();
    await site.lab.startDovecot();
  };
  await imap(true);
  await editConfig(site, (toml) =>
    toml
      .replace('tls = "none"', 'tls = "starttls"\nca_file = "right.crt"')
      .replace(/url = "http:\/\/127\.0\.0\.1:\d+/, `url = "https://localhost:${doveadm.port}`)
      .replace(/(\[notices\]\nport = )1\n/, `$1${notices.port}\n`),
  );
  await site.register('alice', 'bob');
  const shows = (front: Front) => async (right: boolean) => front.show(pair(right ? 'right' : 'strange'));
  return {
    site,
    sink,
    // doveadm's authority is the machine's, by Node's own way.
    sidecar: await startedWith(site, { NODE_EXTRA_CA_CERTS: file('right.crt') }),
    show: { imap, doveadm: shows(doveadm), notices: shows(notices) },
    stop: async () => {
      await Promise.all([doveadm.close(), notices.close()]);
      await site.stop();
      await sink.close();
    },
  };
}

const waiting = (site: Site) =>
  rowsIn<{ n: number }>(site.stateFile, "SELECT count(*) AS n FROM outbox WHERE state IN ('waiting', 'sending')")[0]
    ?.n ?? 0;

async function another(place: 'imap' | 'doveadm' | 'notices'): Promise<Played> {
  const { site, sidecar, sink, show, stop } = await startSecured();
  const wrong: string[] = [];
  let told = '';
  try {
    await grantRow(site, 'alice', 'bob');
    await becomes(site, true, wrong);
    await waitFor('letters are out', LIMIT_MS, () => waiting(site) === 0);
    const [first, letters] = [residentKb(sidecar.pid), sink.mails.length];
    for (const granting of [false, true, false]) {
      await show[place](false);
      await (granting ? grantRow(site, 'alice', 'bob') : revokeRow(site, 'alice', 'bob'));
      // doveadm is asked where somebody's sessions are to end.
      if (place === 'imap' || (place === 'doveadm' && !granting)) {
        const failure = await waitFor('status says so', LIMIT_MS, async () => (await outcome(site, 'alice'))?.failure);
        told = failure.message;
        if (!/certificate|CERT/i.test(told)) wrong.push(`status says: ${told}`);
        if (failure.retryAt === null) wrong.push('status does not say when it is tried again');
      } else if (place === 'notices') {
        await waitFor('a letter waits', LIMIT_MS, () => waiting(site) > 0);
        const said = await waitFor('the log says why', LIMIT_MS, () =>
          sidecar.log().find(({ msg }) => /certificate/i.test(String(msg))),
        );
        told = String(said.msg);
      }
      const busy = await idleBusy(sidecar.pid, 2000);
      if (busy > 0.5) wrong.push(`${busy} of the time while it can't be trusted`);
      await show[place](true);
      await becomes(site, granting, wrong);
    }
    await waitFor('letters are out', 4 * LIMIT_MS, () => waiting(site) === 0).catch(() =>
      wrong.push('letters still wait'),
    );
    if (sink.mails.length <= letters) wrong.push('no letter came');
    const more = residentKb(sidecar.pid) - first;
    if (more > 80_000) wrong.push(`${more} kB more`);
    defects(sidecar, wrong);
  } catch (error) {
    wrong.push(`${(error as Error).message}: ${JSON.stringify(sidecar.log().slice(-5))}`);
  } finally {
    await stop();
  }
  return { wrong, said: told };
}

export const CERTIFICATE_TROUBLES: readonly (readonly [what: string, play: () => Promise<Played>])[] = [
  ["another certificate of IMAP's while it runs, then the right one", () => another('imap')],
  ["another certificate of doveadm's while it runs, then the right one", () => another('doveadm')],
  ["another certificate of the notices' SMTP while it runs, then the right one", () => another('notices')],
];
