/**
 * All that is submitted comes back to Postfix from one address, the filter's. Postfix bounds how much one client may (anvil(8)), but for those in
 * smtpd_client_event_limit_exceptions: a bound there is one for the whole site.
 */
import { hostAndPort } from '../submission/listening-place.ts';
import { type Check, ok, skipped, warn } from './finding.ts';
import { covers } from './jails.ts';
import type { Postfix, Service } from './postconf.ts';
import { postfix } from './submission.ts';

/** What is bounded where the value is above 0, and what comes of it. */
const LIMITS = [
  'smtpd_client_connection_count_limit',
  'smtpd_client_connection_rate_limit',
  'smtpd_client_message_rate_limit',
  'smtpd_client_recipient_rate_limit',
] as const;

const EXCEPTIONS = 'smtpd_client_event_limit_exceptions';

export const reinjectionLimits: Check = {
  name: 're-injection limits',
  needs: [postfix],
  look: async (subject) => {
    const { submission } = subject.config;
    if (submission === undefined) return skipped('no [submission] is configured');
    const { found, ...reading } = await subject.postfix();
    if (found === undefined) return skipped('why' in reading ? String(reading.why) : 'Postfix is not on this machine');
    const { host, port } = hostAndPort(submission.reinject);
    const service = found.smtpd.find(({ name }) => name === String(port) || name.endsWith(`:${port}`));
    if (service === undefined) return skipped(`${found.source} has no smtpd at port ${port}`);
    const bounded = LIMITS.filter((name) => Number(service.setting(name)) > 0);
    const said = bounded.map((name) => `${name} = ${service.setting(name)}`).join(', ');
    if (bounded.length === 0) return ok(`${service.name} bounds nothing that one client does`);
    if (exempt(found, service, host)) return ok(`${service.name} leaves ${host} alone (${EXCEPTIONS})`);
    return warn(
      `${service.name} bounds what comes from ${host}, which is all that anybody submits: ${said}`,
      `${bounded.map((name) => `-o ${name}=0`).join(' ')} there, as in config/postfix/reinject.cf.fragment`,
    );
  },
};

/** By default they are $mynetworks, which the service may have set for itself: postconf shows it expanded as in main.cf. */
function exempt(found: Postfix, service: Service, host: string): boolean {
  const list = (text: string) => text.split(/[\s,]+/).filter(Boolean);
  if (service.overrides(EXCEPTIONS)) return covers(list(service.setting(EXCEPTIONS)), host);
  const byDefault = found.main(EXCEPTIONS) === found.main('mynetworks');
  return covers(list(byDefault ? service.setting('mynetworks') : found.main(EXCEPTIONS)), host);
}
