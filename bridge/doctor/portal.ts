/** The people's own screens: that they answer, and that the identity provider behind them does. */
import type { Config } from '../../config/schema.ts';
import { OIDC_SECRET, type SecretSource, serviceKey } from '../../config/secret.ts';
import { keptSecret } from '../configured/secrets.ts';
import { portalFault, portalStart } from '../questions/portal-answers.ts';
import { failureOf } from '../shared/failure.ts';
import { configuration } from './files.ts';
import { type Check, type Finding, fail, ok, skipped, warn } from './finding.ts';

const PATIENCE_MS = 5_000;

export const portal: Check = {
  name: 'portal',
  needs: [configuration],
  look: async ({ config: { portal }, env }) => {
    if (portal === undefined)
      return skipped('no section [portal] is configured: there are no screens of their own for people');
    if (portal.clientAuthentication !== 'none') {
      try {
        keptSecret({ ...OIDC_SECRET, file: portal.clientSecretFile, env });
      } catch (error) {
        return fail(
          `the secret of [portal] client_id: ${failureOf(error).message}`,
          `write it into ${portal.clientSecretFile}`,
        );
      }
    }
    const key = keyFinding(portal.services, env);
    if (key !== undefined) return key;
    const provider = await providerFinding(portal.issuer);
    if (provider !== undefined) return provider;
    const fault = await portalFault(portal, PATIENCE_MS);
    if (fault === undefined) return ok(`${portal.listen} answers for ${portal.url}, and so does ${portal.issuer}`);
    return warn(`nobody answers at ${portal.listen} as the portal does (${fault})`, portalStart(portal.process));
  },
};

/** The first service whose key can't be read. */
function keyFinding(
  services: NonNullable<Config['portal']>['services'],
  env: SecretSource['env'],
): Finding | undefined {
  for (const [name, { keyFile }] of Object.entries(services)) {
    try {
      keptSecret({ ...serviceKey(name), file: keyFile, env });
    } catch (error) {
      return fail(
        `the key of [portal.services.${name}]: ${failureOf(error).message}`,
        `openssl rand -base64 48 > ${keyFile}, mode 600, and give it to the program`,
      );
    }
  }
  return undefined;
}

/** What it says of itself, as the portal asks it. OpenID Connect Discovery 1.0 section 4 */
async function providerFinding(issuer: string): Promise<Finding | undefined> {
  const at = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  try {
    const answer = await fetch(at, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: 'error' });
    const said = (await answer.json()) as { issuer?: unknown };
    if (said.issuer === issuer) return undefined;
    return fail(
      `${at} names another issuer than [portal] issuer`,
      'write the issuer as the provider writes it, to the last /',
    );
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    return fail(
      `the identity provider does not answer at ${at}: ${cause?.message ?? message}`,
      'nobody can sign in meanwhile',
    );
  }
}
