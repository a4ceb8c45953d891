import path from 'node:path';
import type { TlsFiles } from './dovecot-syntax.ts';
import { run } from './run.ts';

/** A self-signed certificate for localhost and 127.0.0.1, made anew for each lab; clients take it as their CA. */
export async function makeCertificate(directory: string): Promise<TlsFiles> {
  const certificate = path.join(directory, 'lab.crt');
  const key = path.join(directory, 'lab.key');
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  await run('openssl', [...request, ...names, '-out', certificate, '-keyout', key]);
  return { certificate, key };
}
