/** The servers that read the sender rules, each with the product's own fragment. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import type { Test } from 'tap';
import { type Lab, startLab } from '../../config/lab/lab.ts';
import type { OtherServer, OtherSite } from '../../config/lab/other-server.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import type { SenderMapKind } from '../../config/lab/postfix-config.ts';
import { connectSmtp, type SmtpAnswer } from '../../config/lab/raw-smtp.ts';
import { at, password } from '../servers/site.ts';
import { askSender, submissionAs } from '../servers/submission.ts';
import type { Asking, Subject, Verdict } from './contract.ts';

const NAMES = ['alice', 'bob', 'carol', 'dave'];
const USERS = NAMES.map((name) => ({ login: at(name), password: password(name) }));

const verdict = ({ code, text }: SmtpAnswer): Verdict => {
  if (code < 400 && code > 0) return 'yes';
  if (code >= 400 && code < 500) return 'later';
  if (code >= 500) return 'no';
  throw new Error(`the server hung up: ${text}`);
};

/** Tests are refused and asked again more often than Postfix likes. */
const UNBRAKED = ['junk_command', 'soft_error', 'hard_error'].map((name) => `smtpd_${name}_limit=1000000`);

export async function postfix(t: Test, kind: Exclude<SenderMapKind, object>): Promise<Subject & { readonly lab: Lab }> {
  const lab = await startLab({ users: USERS, senderMap: kind, submissionOptions: UNBRAKED });
  t.teardown(() => lab.stop());
  const dataDir = path.dirname(lab.senderDirectory);
  const file = path.join(dataDir, 'senders');
  const conf = path.join(lab.directory, 'postfix/conf');
  const lines = {
    sqlite: 'kind = "postfix-sqlite"',
    socketmap: 'kind = "socketmap"',
    texthash: `kind = "file"\nfile_format = "texthash"\nfile_path = "${file}"\nfile_reload = ${JSON.stringify(['/usr/sbin/postfix', '-c', conf, 'reload'])}`,
  };
  return {
    lab,
    dataDir,
    configFile: configured(dataDir, lines[kind]),
    file: kind === 'texthash' ? file : undefined,
    session: async (name): Promise<Asking> => {
      const session = await submissionAs({ lab }, name);
      return { ask: async (from) => verdict(await askSender(session, from)), close: session.close };
    },
    extensions: kind === 'socketmap' ? 'delegates too' : 'owner alone',
    emptySender: 'yes',
    openSession: kind === 'texthash' ? 'yes' : 'no',
    alone: kind === 'socketmap' ? 'later' : 'as published',
    kills: kind === 'texthash' ? 1 : 2, // each time Postfix waits for the file to be two seconds old; and see sender-crash.test.ts
  };
}

/** OpenSMTPD and Exim, from packages that are only unpacked. */
export async function other(
  t: Test,
  format: 'opensmtpd' | 'exim',
  install: (site: OtherSite) => Promise<OtherServer>,
): Promise<Subject> {
  const directory = t.testdir({});
  chmodSync(directory, 0o755);
  const reservation = await reservePorts(1);
  t.teardown(() => reservation.release());
  const [port = 0] = reservation.ports;
  const server = await install({ directory, port, users: USERS });
  writeFileSync(server.senders, '');
  await server.start();
  t.teardown(() => server.stop());
  const dataDir = path.join(directory, 'mandat');
  mkdirSync(dataDir);
  const lines = [
    `kind = "file"\nfile_format = "${format}"\nfile_path = "${server.senders}"`,
    ...(server.reload === undefined ? [] : [`file_reload = ${JSON.stringify(server.reload)}`]),
    ...(server.logins === undefined ? [] : [`file_logins = "${server.logins}"`]),
  ].join('\n');
  return {
    dataDir,
    configFile: configured(dataDir, `group = "${server.group}"\n${lines}`),
    file: server.senders,
    session: async (name): Promise<Asking> => {
      const session = await connectSmtp({ host: '127.0.0.1', port }, format === 'opensmtpd' ? keyless : undefined);
      await session.ehlo();
      const { code, text } = await session.authPlain(at(name), password(name));
      if (code !== 235) throw new Error(`login of ${name}: ${code} ${text}`);
      return {
        ask: async (from) => {
          const answer = await session.command(`MAIL FROM:<${from}>`);
          await session.command('RSET');
          return verdict(answer);
        },
        close: session.close,
      };
    },
    extensions: 'delegates too',
    emptySender: format === 'opensmtpd' ? 'no' : 'yes',
    openSession: 'no',
    alone: 'as published',
    kills: 4,
  };
}

/** As config/lab/opensmtpd.ts has to have it. */
const keyless = (address: net.TcpNetConnectOpts) =>
  tls.connect({
    ...address,
    ciphers: 'aNULL:@SECLEVEL=0',
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  });

function configured(dataDir: string, senderRules: string): string {
  const file = path.join(dataDir, 'mandat.toml');
  writeFileSync(file, `data_dir = "."\n[sender_rules]\n${senderRules}\n`);
  return file;
}
