/** What the configuration says of what a delegation means, as acl/ reads it. */
import type { Policy } from '../../acl/desired.ts';
import { canonical } from '../../acl/rights.ts';
import type { Config } from '../../config/schema.ts';

export function policyOf({ policy, identity, accounts }: Pick<Config, 'policy' | 'identity' | 'accounts'>): Policy {
  return {
    rights: canonical(policy.rights),
    rules: {
      unknownCredential: identity.unknownCredential,
      maxDelegates: policy.maxDelegates,
      openDomains: policy.eligibleDomains !== 'listed',
      terms: accounts?.termsAgain === true ? accounts.termsVersion : null,
    },
  };
}
