/** How many sessions of one login Dovecot takes from one address, and whether a webmail on this machine can leave mandat none of them. */
import { type Check, ok, skipped, warn } from './finding.ts';
import { imapServer } from './imap.ts';

export const sessionLimit: Check = {
  name: 'session limit',
  needs: [imapServer],
  look: async (subject) => {
    const reading = await subject.doveconf();
    if (reading.found === undefined) return skipped(reading.why);
    const { all, source } = reading.found;
    const limit = Number(all.settings.get('mail_max_userip_connections') ?? 10);
    const said = `mail_max_userip_connections = ${limit} (${source})`;
    if (!(limit > 0)) return ok(`${said}: no limit`);
    const { localAddress } = subject.config.imap;
    const counts = `so many sessions of a login from one address`;
    if (localAddress !== undefined) return ok(`${said}: ${counts}, and mandat comes from ${localAddress}`);
    if (subject.config.sessions !== undefined) {
      return ok(
        `${said}: ${counts}, a webmail's on this machine among them; where they leave no room for a revoke, it ends the owner's sessions`,
      );
    }
    return warn(
      `${said}: ${counts}, and where a webmail on this machine holds them all, a revoke waits until it lets one go`,
      'imap.local_address = "127.0.0.2" gives mandat an address of its own (allow_nets of the master user must have it); or [sessions]: a revoke then ends the owner\'s sessions',
    );
  },
};
