/**
 * The versions of the delegation table in PostgreSQL. They are counted by themselves: version 1 is what delegation.db is at its version 7, 2 what it is at 8, 3 what it is at 9.
 * A released one is never edited. `rules` can be run again over what is there (`mandat init --repair-rules`), `tables` can't.
 */
import { common } from './table-1/common.ts';
import { delegates } from './table-1/delegates.ts';
import { delegations } from './table-1/delegations.ts';
import { domains } from './table-1/domains.ts';
import { mailboxes } from './table-1/mailboxes.ts';
import { tables } from './table-1/tables.ts';
import { rules as rules2, tables as tables2 } from './table-2.ts';
import { rules as rules3, tables as tables3 } from './table-3.ts';

export interface TableMigration {
  readonly tables: string;
  readonly rules: string;
}

export const TABLE_MIGRATIONS: readonly TableMigration[] = [
  { tables, rules: [common, mailboxes, domains, delegates, delegations].join('\n') },
  { tables: tables2, rules: rules2 },
  { tables: tables3, rules: rules3 },
];
