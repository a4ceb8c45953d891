/** What the configuration says of what a delegation means, as acl/ reads it. */
import type { Policy } from '../../acl/desired.ts';
import { canonical } from '../../acl/rights.ts';
import type { Config } from '../../config/schema.ts';

export function policyOf({
  policy,
  identity,
  accounts,
  server,
}: Pick<Config, 'policy' | 'identity' | 'accounts' | 'server'>): Policy {
  return {
    rights: canonical(policy.rights),
    rules: {
      unknownCredential: identity.unknownCredential,
      maxDelegates: policy.maxDelegates,
      openDomains: policy.eligibleDomains !== 'listed',
      ...(server.cluster === undefined ? {} : { cluster: server.cluster }),
      terms: accounts?.termsAgain === true ? accounts.termsVersion : null,
    },
  };
}
