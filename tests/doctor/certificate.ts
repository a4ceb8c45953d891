/** Self-signed certificates for any time, the past included, which `openssl req -days` refuses. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const DAY_MS = 86_400_000;

export interface CertificateOptions {
  readonly certificate: string;
  readonly key: string;
  /** Days from now; negative for one that has ended. */
  readonly days: number;
  /** As in subjectAltName: `DNS:localhost,IP:127.0.0.1` */
  readonly names: string;
}

export async function writeCertificate({ certificate, key, days, names }: CertificateOptions): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-certificate-'));
  try {
    const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: directory });
    await writeFile(path.join(directory, 'index.txt'), '');
    await writeFile(path.join(directory, 'ca.cnf'), configuration(names));
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await openssl('req', '-new', ...curve, '-subj', '/CN=lab', '-keyout', key, '-out', 'request');
    const end = Date.now() + days * DAY_MS;
    const times = ['-startdate', asn1(end - 400 * DAY_MS), '-enddate', asn1(end)];
    const signed = ['-selfsign', '-batch', '-notext', '-config', 'ca.cnf', '-keyfile', key];
    await openssl('ca', ...signed, ...times, '-in', 'request', '-out', certificate);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** `20261231235959Z` */
const asn1 = (time: number) => new Date(time).toISOString().replace(/[-:T]|\.\d+/g, '');

const configuration = (names: string) => `[ca]
default_ca = lab
[lab]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = policy
x509_extensions = extensions
[policy]
commonName = supplied
[extensions]
subjectAltName = ${names}
`;
