/** The site's PostgreSQL: that it is reached, how, and that nobody else reaches more than is meant for them. */
import { postgresOf } from '../configured/stores.ts';
import { connectedTo, reachOf } from '../store/postgres/reach.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';

const FILES = 'the table is a file';
/** What Debian 12 has; nothing older was tried. */
const OLDEST = 150000;

export const postgresql: Check = {
  name: 'PostgreSQL',
  needs: [],
  look: async ({ config, state }) => {
    const settings = await postgresOf(config);
    if (settings === undefined) return skipped(FILES);
    const { version, shownVersion, replica, tls } = await connectedTo((await state()).query);
    if (replica === 1)
      return fail(`${settings.shown} is a replica: nothing can be written there`, 'name the primary in "database"');
    const how =
      tls !== null
        ? `${tls}, its certificate verified${settings.tls === 'verify-ca' ? " but for the host's name" : ''}`
        : settings.host.startsWith('/')
          ? 'a Unix socket'
          : 'without TLS, on this machine';
    const seen = `${settings.shown}, PostgreSQL ${shownVersion}, by ${how}`;
    return version < OLDEST ? warn(`${seen}: nothing older than 15 was tried`, 'upgrade PostgreSQL') : ok(seen);
  },
};

export const postgresqlRoles: Check = {
  name: 'PostgreSQL roles',
  needs: [postgresql],
  look: async ({ config, state }) => {
    const settings = await postgresOf(config);
    if (settings === undefined) return skipped(FILES);
    const { rolesOf } = await import('../store/postgres/roles.ts');
    const { tooFar, lacking, missing } = await reachOf((await state()).query, rolesOf(settings));
    if (tooFar.length > 0)
      return fail(
        `somebody reaches what is mandat's own: ${tooFar.slice(0, 3).join('; ')}`,
        'REVOKE what was given to them (docs/postgresql.md says who may reach what)',
      );
    if (lacking.length > 0) return fail(lacking.slice(0, 3).join('; '), '"mandat init" gives it back');
    if (missing.length > 0)
      return warn(
        `not there: ${missing.join(', ')}`,
        '"mandat init" makes them, or says which statements a superuser has to run',
      );
    return ok("the roles for other programs reach their views and nothing else; what is mandat's own, nobody");
  },
};
