/** The sender rules in the site's PostgreSQL, for Postfixes that ask there: as published, and open to their role. */
import { sql } from 'kysely';
import { postgresOf } from '../configured/stores.ts';
import { publishesAs } from '../sender/configured-outputs.ts';
import { SENDER_VIEW, sharedRules } from '../store/postgres/sender-rules.ts';
import { openSenderMap } from '../store/published/sender-map.ts';
import { ownState } from './databases.ts';
import { type Check, fail, ok, skipped } from './finding.ts';
import { senderTable } from './sender.ts';

/** Mailboxes that are compared with the map. */
const COMPARED = 500;

export const senderView: Check = {
  name: 'sender view',
  needs: [senderTable, ownState],
  look: async ({ config, files, state: open }) => {
    if (!publishesAs(config, 'postfix-pgsql')) return skipped('no Postfix asks PostgreSQL ([sender_rules] kind)');
    const settings = await postgresOf(config);
    if (settings === undefined) return skipped('the table is a file');
    const { rolesOf } = await import('../store/postgres/roles.ts');
    const { postfix } = rolesOf(settings);
    const state = await open();
    const { rows } = await sql<{
      readonly all: number;
      readonly own: number;
      readonly there: number;
      readonly may: number | null;
    }>`
      SELECT count(*) AS all, count(*) FILTER (WHERE server = ${config.server.name}) AS own, EXISTS (SELECT 1 FROM pg_roles WHERE rolname = ${postfix}) AS there,
        (SELECT has_schema_privilege(oid, 'mandat_sender', 'USAGE') AND has_table_privilege(oid, ${SENDER_VIEW}, 'SELECT') FROM pg_roles WHERE rolname = ${postfix}) AS may
      FROM mandat_sender.rules`.execute(state.query);
    const [{ all, own, there, may } = { all: 0, own: 0, there: 0, may: 0 }] = rows;
    const init = '"mandat init" makes it, or says which statement a superuser has to run';
    if (there !== 1) return fail(`there is no role ${postfix}, with which Postfix asks`, init);
    if (may !== 1) return fail(`role ${postfix} may not read ${SENDER_VIEW}: Postfix defers all submitted mail`, init);
    const shared = sharedRules(state, config.server.name);
    const map = openSenderMap(files.senderDirectory, { readonly: true });
    try {
      const ids = [...new Set([...map.mailboxIds(0, COMPARED), ...(await shared.mailboxIds(0, COMPARED))])]
        .sort((a, b) => a - b)
        .slice(0, COMPARED);
      const text = (rules: readonly { readonly address: string; readonly login: string }[]) =>
        rules.map(({ address, login }) => `${address} ${login}`).join();
      const other = (await shared.of(ids)).find(({ mailboxId, rules }) => text(rules) !== text(map.rules(mailboxId)));
      if (other !== undefined) {
        const [rule] = [...other.rules, ...map.rules(other.mailboxId)];
        return fail(
          `what stands there of ${rule?.address} is not what is published`,
          'stop the sidecar, psql -c "DELETE FROM mandat_sender.published", and start it: it writes all of it anew',
        );
      }
    } finally {
      map.close();
    }
    return ok(`${SENDER_VIEW} for role ${postfix}: rules ${all}, of this server ${own}`);
  },
};
