/** Whether fail2ban would ban the address that mandat comes from: a banned mandat can revoke nothing. */
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { asRoot } from '../shared/unix-user.ts';
import { type Check, ok, skipped, warn } from './finding.ts';
import { imapServer } from './imap.ts';
import { covers, type Jail, mailJails } from './jails.ts';
import { openWire } from './line-session.ts';

const USUAL = '/etc/fail2ban';

export const bans: Check = {
  name: 'banned addresses',
  needs: [imapServer],
  look: async (subject) => {
    const directory = subject.options.fail2banConfig ?? USUAL;
    const { host, port, timeoutSeconds, localAddress } = subject.config.imap;
    const wire = await openWire({ host, port }, timeoutSeconds * 1000);
    wire.close();
    const address = localAddress ?? wire.from;
    if (!wire.here)
      return skipped(`the IMAP server ${host} is another machine: what it bans isn't seen from here. ${told(address)}`);
    let jails: readonly Jail[] | undefined;
    try {
      jails = asRoot(() => mailJails(directory));
    } catch (error) {
      return skipped(`${directory} can't be read: ${(error as Error).message}`);
    }
    if (jails === undefined) return ok(`no fail2ban on this machine; mandat comes from ${address}`);
    if (jails.length === 0) return ok(`fail2ban watches no mail logins; mandat comes from ${address}`);
    const own = await ownAddresses();
    const banning = jails.filter((jail) => !spares(jail, address, own));
    if (banning.length === 0)
      return ok(`fail2ban (${namesOf(jails)}) leaves ${address} alone, from which mandat comes`);
    return warn(
      `fail2ban (${namesOf(banning)}) would ban ${address}, from which mandat comes: five accounts that are not there, or a password that changed, and nothing is revoked any more`,
      `in ${directory}/jail.local, below [DEFAULT]: ignoreip = 127.0.0.1/8 ::1 ${address}`,
    );
  },
};

/** What `ignoreself` takes for the machine's own (fail2ban 1.0): what these names lead to. Not every address of an interface, nor 127.0.0.2. */
async function ownAddresses(): Promise<readonly string[]> {
  const found = await Promise.all(['localhost', hostname()].map((name) => lookup(name, { all: true }).catch(() => [])));
  return found.flat().map(({ address }) => address);
}

const spares = ({ ignored, ignoresSelf }: Jail, address: string, own: readonly string[]) =>
  covers(ignored, address) || (ignoresSelf && own.includes(address));

const namesOf = (jails: readonly Jail[]) => jails.map(({ name }) => name).join(', ');
const told = (address: string) => `Whoever bans addresses there is to leave ${address} alone, from which mandat comes`;
