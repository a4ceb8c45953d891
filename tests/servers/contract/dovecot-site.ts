/** The lab's Dovecot, as the contract asks of it. */
import { startSite } from '../site.ts';
import { sharedName } from '../wire.ts';
import type { ContractSite } from './contract.ts';

export async function startDovecot(users: readonly string[], extraImap = ''): Promise<ContractSite> {
  const site = await startSite({ users, postfix: false, reuse: false, extraImap });
  return {
    ...site,
    own: (...folder) => folder.join('/') || 'INBOX',
    shared: (owner, ...folder) => sharedName(owner, folder.join('/') || 'INBOX'),
  };
}
