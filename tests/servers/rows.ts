/** Delegations as another program writes them: INSERT grants, DELETE revokes. */
import Database from 'better-sqlite3';
import { at, type Ground, type Site } from './site.ts';

export async function grantRow(site: Site<Ground>, owner: string, ...delegates: readonly string[]): Promise<void> {
  const rows = delegates.map((delegate) => `('${at(owner)}', '${at(delegate)}')`);
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ${rows.join(', ')}`);
}

export async function revokeRow(site: Site<Ground>, owner: string, ...delegates: readonly string[]): Promise<void> {
  const logins = delegates.map((delegate) => `'${at(delegate)}'`);
  await site.sql(`DELETE FROM delegation WHERE mailbox = '${at(owner)}' AND delegate IN (${logins.join(', ')})`);
}

/** As if ten minutes had passed: an entry that was put right three times within them is left. */
export function forgetRepairs({ stateFile }: Site<Ground>): void {
  const state = new Database(stateFile, { timeout: 10_000 });
  state.exec('DELETE FROM repairs');
  state.close();
}

export interface Variant {
  readonly inherit: boolean;
  readonly impersonate: 'authzid' | 'suffix';
}

/** What differs between sites and must make no difference: both of each, in two pairs. */
export const VARIANTS: readonly Variant[] = [
  { inherit: true, impersonate: 'authzid' },
  { inherit: false, impersonate: 'suffix' },
];

export const named = ({ inherit, impersonate }: Variant) =>
  `${inherit ? 'with' : 'without'} inheritance, by ${impersonate}`;
