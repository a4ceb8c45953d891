/** What Dovecot has here, and whether people can share mailboxes on it: looked at before anything is changed. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { askDoveconf } from '../doctor/doveconf.ts';
import { type Section, sectionsNamed } from '../doctor/doveconf-text.ts';
import { fragmentOf, type Syntax } from '../doctor/dovecot-syntax.ts';
import { isTried } from '../doctor/dovecot-versions.ts';
import { Failure } from '../shared/failure.ts';
import { runTool } from '../shared/run-tool.ts';
import { type Storage, storageOf } from './dovecot-storage.ts';

export interface DovecotSite {
  /** dovecot.conf, and where mandat's fragments go beside it. */
  readonly file: string;
  readonly directory: string;
  /** Which of our fragments it takes: those of config/dovecot/VERSION/. */
  readonly version: Syntax['version'];
  readonly storage: Storage;
  /** The name of the private namespace that holds INBOX, and its separator; empty where none is set. */
  readonly inbox: string;
  readonly separator: string;
  readonly stateDirectory: string;
  readonly imapPort: number;
  readonly tls: 'starttls' | 'none';
  /** PEM file of the server's own certificate. */
  readonly certificate: string | undefined;
}

export interface Account {
  readonly login: string;
  readonly uid: number;
  readonly gid: number;
}

/** Which configuration Dovecot's programs are asked about: `-c FILE`, or this machine's own. */
export const chosen = (file: string | undefined): readonly string[] => (file === undefined ? [] : ['-c', file]);

/** Fails `config` where Dovecot isn't one that can be set up here, and says what stands against it. */
export async function lookAtDovecot(given: string | undefined): Promise<DovecotSite> {
  const reading = await askDoveconf(given);
  if (reading.found === undefined && /not on this machine/.test(reading.why))
    throw new Failure('config', 'Dovecot is not on this machine', 'run this where Dovecot is');
  if (reading.found === undefined)
    throw new Failure('config', reading.why, 'mend the configuration of Dovecot first; nothing was changed');
  const { found } = reading;
  const { all, syntax } = found;
  if (!isTried(found.version))
    throw new Failure(
      'config',
      `this is Dovecot ${found.version}`,
      'set it up by hand: the fragments are for Dovecot 2.3 and 2.4',
    );
  const file = found.file ?? '/etc/dovecot/dovecot.conf';
  const namespaces = sectionsNamed(all, 'namespace');
  const inbox = namespaces.find(({ settings }) => settings.get('inbox') === 'yes');
  const type = (one: Section) => one.settings.get('type') ?? 'private';
  const shared = namespaces.find(
    (one) => type(one) === 'shared' && !existsSync(join(dirname(file), 'mandat/mandat.conf')),
  );
  if (shared !== undefined)
    throw new Failure(
      'config',
      `this Dovecot has a shared namespace already (${shared.name})`,
      `set mandat up by hand beside it: ${fragmentOf(syntax, 'mandat.conf')} says what it needs`,
    );
  const others = namespaces.filter(
    (one) => one !== inbox && type(one) !== 'shared' && (one.settings.get('separator') ?? '') !== '',
  );
  const prefix = inbox?.settings.get('prefix') ?? '';
  if (prefix !== '' && !prefix.endsWith('/'))
    throw new Failure(
      'config',
      `the private namespace has a prefix (${prefix}) that doesn't end in a slash`,
      'set mandat up by hand: with another separator the shared namespace must name owners by what holds none, as prefix = INBOX.shared.%%n. does',
    );
  const separator = inbox?.settings.get('separator') ?? '';
  const odd = others.find(({ settings }) => settings.get('separator') !== separator);
  if (odd !== undefined)
    throw new Failure(
      'config',
      `${odd.name} has another separator than the private namespace`,
      'Dovecot wants one for all of them',
    );
  const ports = [...syntax.imapPorts(all)].filter((port) => port !== 0 && port !== 993);
  const ssl = all.settings.get('ssl') ?? 'yes';
  const certificate = syntax.certificate(all);
  return {
    file,
    directory: join(dirname(file), 'mandat'),
    version: syntax.version,
    storage: storageOf(found, inbox),
    inbox: inbox?.name.replace(/^namespace ?/, '') ?? '',
    separator,
    stateDirectory: all.settings.get('state_dir') || '/var/lib/dovecot',
    imapPort: ports[0] ?? 143,
    tls: ssl === 'no' || certificate === undefined || !existsSync(certificate) ? 'none' : 'starttls',
    certificate: ssl === 'no' ? undefined : certificate,
  };
}

/** Maildir names folders with dots inside, and that is what users see unless a namespace says otherwise. */
export const shownSeparator = ({ separator, storage }: Pick<DovecotSite, 'separator' | 'storage'>): string =>
  separator !== '' ? separator : storage.separator;

/** As the userdb has them. Fails `config` where one isn't there, or they can't share. */
export async function accountsOf(given: string | undefined, logins: readonly string[]): Promise<readonly Account[]> {
  const accounts: Account[] = [];
  for (const login of logins) {
    const answer = await runTool('doveadm', [...chosen(given), 'user', login]);
    const field = (name: string) => new RegExp(`^${name}\\s+(\\S.*)$`, 'm').exec(answer.stdout)?.[1];
    if (answer.status !== 0 || field('uid') === undefined)
      throw new Failure(
        'config',
        `Dovecot's userdb has no ${login}`,
        'name two accounts that are there, and that Dovecot runs; nothing was changed',
      );
    accounts.push({ login, uid: Number(field('uid')), gid: Number(field('gid')) });
  }
  const [one, other] = accounts;
  if (one !== undefined && other !== undefined && one.uid !== other.uid)
    throw new Failure(
      'config',
      `${one.login} and ${other.login} have Unix uids of their own (${one.uid}, ${other.uid})`,
      "a delegate's session opens the owner's files: all mail must belong to one uid (vmail)",
    );
  return accounts;
}

/** The name that a client may look for, and whether the world trusts the certificate; undefined without one that can be read. */
export function certificateOf(
  file: string | undefined,
): { readonly name: string; readonly selfSigned: boolean } | undefined {
  if (file === undefined) return undefined;
  try {
    const certificate = new X509Certificate(readFileSync(file));
    const names = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map(([, name = '']) => name);
    const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
    const name = names.find((one) => !one.startsWith('*')) ?? names[0]?.replace(/^\*\./, 'imap.') ?? common;
    return name === undefined ? undefined : { name, selfSigned: certificate.subject === certificate.issuer };
  } catch {
    return undefined;
  }
}
