/** Delegations by state, as `mandat list` calls them, and why those are withheld that are. */
import { sql } from 'kysely';
import { CONDITIONS } from '../../acl/conditions.ts';
import type { DelegationFacts, Instant } from '../../acl/delegation-facts.ts';
import { verdict } from '../../acl/policy.ts';
import { policyOf } from '../configured/site-policy.ts';
import { inEffect } from '../safeguards/withdrawn.ts';
import { PORTION_ROWS } from '../shared/portions.ts';
import { domainOf } from '../store/dialect.ts';
import { pairsAmong, phaseKey } from '../store/state/ledger-pairs.ts';
import { known } from '../store/table/listed-people.ts';
import { type Breathe, pages } from './portions.ts';
import type { Figure } from './registry.ts';
import type { Sight } from './sight.ts';

const STATES = ['in force', 'being verified', 'waiting', 'not started', 'ended', 'suspended'] as const;
type State = (typeof STATES)[number];

interface Row {
  readonly id: number;
  readonly mailboxId: number;
  readonly startsAt: string | null;
  readonly endsAt: string | null;
  readonly suspended: number;
  readonly ownerLogin: string;
  readonly kind: DelegationFacts['mailbox']['kind'];
  readonly eligible: number;
  readonly ownerListed: number | null;
  readonly domainEligible: number | null;
  readonly login: string;
  readonly state: DelegationFacts['delegate']['state'];
  readonly termsVersion: string | null;
  readonly credentialValidUntil: string | null;
  readonly listed: number | null;
  readonly place: number;
  readonly server: string;
  readonly delegateServer: string | null;
}

const portionAfter = (query: Sight['table']['query']) => (after: number) =>
  sql<Row>`
  SELECT g.id, g.mailbox_id AS "mailboxId", g.starts_at AS "startsAt", g.ends_at AS "endsAt", g.suspended,
    m.login AS "ownerLogin", m.kind, m.eligible, m.owner_listed AS "ownerListed", m.server,
    (SELECT o.server FROM mailboxes AS o WHERE o.login = d.login) AS "delegateServer", e.eligible AS "domainEligible",
    d.login, d.state, d.terms_version AS "termsVersion", d.credential_valid_until AS "credentialValidUntil", d.listed,
    (SELECT count(*) FROM delegations AS o WHERE o.mailbox_id = g.mailbox_id AND o.id <= g.id) AS place
  FROM delegations AS g JOIN mailboxes AS m ON m.id = g.mailbox_id JOIN delegates AS d ON d.id = g.delegate_id
    LEFT JOIN domains AS e ON e.domain = ${domainOf(query, 'm.address')}
  WHERE g.id > ${after} ORDER BY g.id LIMIT ${PORTION_ROWS}`;

function factsOf(row: Row): DelegationFacts {
  return {
    mailbox: {
      login: row.ownerLogin,
      kind: row.kind,
      eligible: row.eligible === 1,
      domainEligible: row.domainEligible === null ? null : row.domainEligible === 1,
      ownerListed: known(row.ownerListed),
      server: row.server,
    },
    delegate: {
      login: row.login,
      state: row.state,
      stateSince: null,
      termsVersion: row.termsVersion,
      credentialValidUntil: row.credentialValidUntil,
      listed: known(row.listed),
      server: row.delegateServer,
    },
    startsAt: row.startsAt,
    endsAt: row.endsAt,
    suspended: row.suspended === 1,
    place: row.place,
  };
}

export async function countDelegations(sight: Sight, now: Instant, breathe: Breathe): Promise<readonly Figure[]> {
  const { table, state } = sight;
  const { rules } = await inEffect(policyOf(sight.config()), state);
  const states = new Map<State, number>(STATES.map((one) => [one, 0]));
  const withheld = new Map<string, number>(CONDITIONS.map(({ why }) => [why, 0]));
  const add = <K>(map: Map<K, number>, key: K) => map.set(key, (map.get(key) ?? 0) + 1);
  for await (const rows of pages(table.query, portionAfter(table.query), breathe)) {
    const pairs = await pairsAmong(state, [...new Set(rows.map(({ mailboxId }) => mailboxId))], 'everywhere');
    const phases = new Map(pairs.map((pair) => [phaseKey(pair.server, pair.mailboxId, pair.login), pair.phase]));
    for (const row of rows) {
      const judged = verdict(factsOf(row), rules, now);
      if (!judged.inForce) {
        add(withheld, judged.why);
        const stays = judged.why === 'not-started' ? 'not started' : judged.why === 'ended' ? 'ended' : 'suspended';
        add(states, stays);
        continue;
      }
      const phase = phases.get(phaseKey(row.server, row.mailboxId, row.login));
      add(states, phase === 'verified' ? 'in force' : phase === 'in-force' ? 'being verified' : 'waiting');
    }
  }
  return [
    ...[...states].map(([name, value]) => ({ name: 'mandat_delegations', labels: { state: name }, value }) as const),
    ...[...withheld].map(([why, value]) => ({ name: 'mandat_delegations_withheld', labels: { why }, value }) as const),
  ];
}
