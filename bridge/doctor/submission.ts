/** Postfix's side of the sender rules: the restriction stands where users log in, and nowhere else. */
import type { Config } from '../../config/schema.ts';
import { publishesAs, ruleFileOf } from '../sender/configured-outputs.ts';
import type { Subject } from './examined-site.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import type { Postfix, Service } from './postconf.ts';
import { NOT_CONFIGURED, senderRules } from './sender.ts';
import { guarding, refusedEarly, refusesOutside, refusesStrangers } from './sender-maps.ts';

export const postfix: Check = {
  name: 'Postfix',
  needs: [senderRules],
  look: async (subject) => {
    if (subject.config.senderRules === undefined) return skipped(NOT_CONFIGURED);
    if (!forPostfix(subject.config)) return skipped('another SMTP server reads the sender rules ([sender_rules] kind)');
    const reading = await subject.postfix();
    if (reading.found === undefined)
      return skipped(`${reading.why}: run the doctor where Postfix is, or give --postfix-config`);
    const { source, smtpd, tableTypes } = reading.found;
    if (publishesAs(subject.config, 'postfix-sqlite') && !tableTypes.has('sqlite'))
      return fail('this Postfix reads no SQLite tables', 'apt-get install postfix-sqlite');
    if (asksPostgres(subject.config) && !tableTypes.has('pgsql'))
      return fail('this Postfix asks no PostgreSQL', 'apt-get install postfix-pgsql');
    return ok(`${source}; users log in at ${named(users(smtpd)) || 'no service'}`);
  },
};

/** And nothing else that is here. */
const asksPostgres = (config: Config) =>
  publishesAs(config, 'postfix-pgsql') && !publishesAs(config, 'postfix-sqlite') && !publishesAs(config, 'socketmap');

const forPostfix = (config: Config) =>
  publishesAs(config, 'postfix-sqlite') ||
  publishesAs(config, 'postfix-pgsql') ||
  publishesAs(config, 'socketmap') ||
  ruleFileOf(config)?.format === 'texthash';

export async function here(subject: Subject): Promise<Postfix> {
  const { found } = await subject.postfix();
  if (found === undefined) throw new Error('asked for Postfix where there is none');
  return found;
}

const letsLogIn = (service: Service) => service.setting('smtpd_sasl_auth_enable') === 'yes';
/** Where users log in: under whichever name and port. */
export const users = (services: readonly Service[]) => services.filter(letsLogIn);
const named = (services: readonly Service[]) => services.map(({ name }) => name).join(', ');

/** In the order in which smtpd goes through them. */
const LISTS = ['client', 'helo', 'sender', 'relay', 'recipient', 'data', 'end_of_data'];
const restrictions = (service: Service) => LISTS.map((list) => service.setting(`smtpd_${list}_restrictions`));

const trustsNetworks = (service: Service) =>
  /permit_mynetworks/.test(service.setting('smtpd_relay_restrictions')) && service.setting('mynetworks') !== '';

export const restriction: Check = {
  name: 'Postfix restriction',
  needs: [postfix],
  look: async (subject) => {
    const { smtpd } = await here(subject);
    const remedy = 'config/postfix/master.cf.fragment below each service where users log in, before what permits';
    const services = users(smtpd).filter(({ atPort25 }) => !atPort25);
    if (services.length === 0) {
      return fail('no smtpd service lets users log in, so nobody is asked whose address they use', remedy);
    }
    const open = openIn(services);
    if (open.length > 0) return fail(`who has logged in may send as anybody: ${open.join('; ')}`, remedy);
    const trusting = services.filter(trustsNetworks);
    if (trusting.length > 0) {
      const [one] = trusting;
      return warn(
        `${named(trusting)} relays for mynetworks (${one?.setting('mynetworks')}) without a login, and then asks nobody`,
        `-o smtpd_relay_restrictions=permit_sasl_authenticated,reject, as in config/postfix/master.cf.fragment`,
      );
    }
    return ok(`${named(services)}: an address that isn't their own is refused`);
  },
};

/** Those that let somebody who has logged in use any address, and why. */
function openIn(services: readonly Service[]): readonly string[] {
  return services.flatMap((service) => {
    const found = guarding(restrictions(service));
    if (found.kind === 'guarded') return [];
    return [`${service.name} ${found.kind === 'bypassed' ? `permits (${found.by}) before it asks` : 'asks nobody'}`];
  });
}

/** When a sender that isn't one's own is refused; and whom a Postfix that refuses at once refuses before they could log in. */
export const refusedSenders: Check = {
  name: 'refused senders',
  needs: [restriction],
  look: async (subject) => {
    const { smtpd } = await here(subject);
    const services = users(smtpd).filter(({ atPort25 }) => !atPort25);
    const remedy = 'config/postfix/master.cf.fragment below each service where users log in';
    const delayed = services.filter((service) => service.setting('smtpd_delay_reject') !== 'no');
    const early = services
      .filter((service) => !delayed.includes(service))
      .flatMap((service) =>
        ['smtpd_client_restrictions', 'smtpd_helo_restrictions'].map((name) => ({
          where: `${service.name} has ${name} = ${service.setting(name)}, gone through before anybody can log in`,
          remedy: `-o ${name}= there: that a login is needed is said by smtpd_relay_restrictions`,
          ...refusedEarly(service.setting(name)),
        })),
      );
    const out = early.find(({ kind }) => kind === 'everybody');
    if (out !== undefined) return fail(`nobody can send: ${out.where}`, out.remedy);
    const some = early.find(({ kind }) => kind === 'some');
    if (some !== undefined) return warn(`some can't log in: ${some.where}`, some.remedy);
    if (delayed.length > 0) {
      return warn(
        `${named(delayed)} refuses a sender at RCPT TO only, and mail programs then blame the recipient`,
        `-o smtpd_delay_reject=no, as in ${remedy}`,
      );
    }
    const once = services.filter(
      (service) =>
        guarding(AT_RECIPIENT.map((list) => service.setting(`smtpd_${list}_restrictions`))).kind !== 'guarded',
    );
    if (once.length > 0) {
      return warn(
        `${named(once)} asks at MAIL FROM alone: who loses the right after it sends that message`,
        `-o smtpd_recipient_restrictions=$smtpd_sender_restrictions, as in ${remedy}`,
      );
    }
    return ok(`${named(services)}: told at MAIL FROM, asked again at each recipient`);
  },
};

const AT_RECIPIENT = ['relay', 'recipient', 'data', 'end_of_data'];

/** Who logs in there sends as at submission, past whatever stands on submission only. RFC 6409 section 3.1 */
export const authAtPort25: Check = {
  name: 'AUTH at port 25',
  needs: [postfix],
  look: async (subject) => {
    const { smtpd } = await here(subject);
    const services = users(smtpd).filter(({ atPort25 }) => atPort25);
    if (services.length === 0) return ok('nobody can log in where mail from outside comes in');
    const remedy = `smtpd_sasl_auth_enable = no in main.cf, and =yes with -o at the submission services only, as in config/postfix/master.cf.fragment`;
    const open = openIn(services);
    if (open.length > 0) return fail(`who logs in there may send as anybody: ${open.join('; ')}`, remedy);
    return warn(`users can log in at ${named(services)} too, where mail from outside comes in`, remedy);
  },
};

/** What refuses everybody who hasn't logged in. */
function submissionLines(service: Service): readonly string[] {
  const lists = LISTS.map((list) => `smtpd_${list}_restrictions`).filter((name) =>
    refusesStrangers(service.setting(name)),
  );
  const filter = service.setting('smtpd_proxy_filter');
  return [
    ...lists.map((name) => `${name} = ${service.setting(name)}`),
    ...(/mandat|filter\.sock/.test(filter) ? [`smtpd_proxy_filter = ${filter}`] : []),
  ];
}

export const outside: Check = {
  name: 'mail from outside',
  needs: [postfix],
  look: async (subject) => {
    const found = await here(subject);
    const remedy =
      'take it out of main.cf: it belongs to the submission services in master.cf (config/postfix/master.cf.fragment)';
    for (const service of found.smtpd.filter((one) => one.atPort25 || !letsLogIn(one))) {
      const wrong = refusesOutside(restrictions(service));
      if (wrong !== undefined) return fail(`${service.name} has ${wrong}: mail from outside would be refused`, remedy);
      const meantForUsers = service.atPort25 ? submissionLines(service) : [];
      if (meantForUsers.length > 0) {
        return fail(
          `${service.name} refuses all mail from outside: it has ${meantForUsers.join(', ')}, which submission services are meant to have`,
          `in master.cf, -o lines belong to the last service line above them that isn't a comment: take the # from "submission inet", or move them below a service that users log in to; then "postfix reload"`,
        );
      }
    }
    const main = found.main('smtpd_sender_restrictions');
    if (/sender_login_mismatch/.test(main)) return warn(`main.cf has smtpd_sender_restrictions = ${main}`, remedy);
    return ok('no sender rule concerns it');
  },
};
