/** The maps that Postfix asks where users log in: is ours among them, can it be reached, and what do they answer? */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SenderRule } from '../../acl/desired.ts';
import { publishesAs, ruleFileOf, socketmapOf } from '../sender/configured-outputs.ts';
import { MAP_NAME } from '../sender/socketmap-answer.ts';
import { asRoot } from '../shared/unix-user.ts';
import { SENDER_VIEW } from '../store/postgres/sender-rules.ts';
import { SENDER_FILE } from '../store/published/sender-map.ts';
import type { Subject } from './examined-site.ts';
import { type Check, type Finding, fail, ok, skipped, warn, worst } from './finding.ts';
import { nobodysLogin } from './nobodys-login.ts';
import { type Lookup, type Postfix, parseSettings, type Service } from './postconf.ts';
import { senderTable, someRule } from './sender.ts';
import { mapsIn, type Table, tablesIn } from './sender-maps.ts';
import { here, postfix, users } from './submission.ts';

export const senderMaps: Check = {
  name: 'Postfix maps',
  needs: [postfix],
  look: async (subject) => {
    const found = await here(subject);
    const findings = users(found.smtpd).map((service) => judgeMaps(subject, found, service));
    return worst(findings) ?? skipped('no smtpd service lets users log in');
  },
};

const OWN = 'config/postfix/proxymap.master.cf.fragment';
/** Postfix's own, which every other table is asked through. */
const SHARED = 'proxymap';

/** Mandat's map is asked through a proxymap that answers for nothing else, so that nothing else waits where it can't be read. */
export const ownProxymap: Check = {
  name: 'proxymap',
  needs: [senderMaps],
  look: async (subject) => {
    const found = await here(subject);
    const asking = (service: Service) =>
      tablesIn(service.setting('smtpd_sender_login_maps')).some((table) => table.proxied && isOurTable(subject, table));
    const through = (service: Service) => service.setting('proxymap_service_name') || SHARED;
    const services = users(found.smtpd).filter(asking);
    if (services.length === 0) return skipped('Postfix asks no map of ours through proxymap');
    const closed = services.find((service) => !found.proxymaps.includes(through(service)));
    if (closed !== undefined) {
      const seen = `${closed.name} asks a proxymap that is not there (${through(closed)}): every submission waits`;
      return fail(seen, `${OWN} into master.cf, then "postfix reload"`);
    }
    const shared = services.find((service) => through(service) === SHARED);
    if (shared !== undefined) {
      const seen = `${shared.name} asks mandat's map through the proxymap of every other table: where the map can't be read, all of them wait`;
      return warn(seen, `${OWN}, and proxymap_service_name as in config/postfix/master.cf.fragment`);
    }
    const others = found.smtpd.filter((service) => !services.includes(service) && asking(service));
    const opening = others.find((service) => through(service) === SHARED);
    if (opening !== undefined) {
      const seen = `${opening.name} opens mandat's map too, though it asks it nothing: where the map can't be read, it waits`;
      return warn(seen, 'config/postfix/port25.master.cf.fragment below that service');
    }
    return ok(`mandat's map has one of its own (${through(services[0] as Service)})`);
  },
};

const STUCK =
  '"mandat init" makes the map anew, and "mandat sync" fills it; without mandat each user keeps their own address by: postconf -e "smtpd_sender_login_maps = regexp:/etc/postfix/identity.re" && postfix reload';
const FRAGMENT = 'smtpd_sender_login_maps as in config/postfix/main.cf.fragment';

/** The fragment for what is configured, and the table that it names. */
function fragment({ config, files }: Subject): string {
  if (publishesAs(config, 'postfix-sqlite'))
    return `${FRAGMENT}; config/postfix/mandat.cf with dbpath = ${join(files.senderDirectory, SENDER_FILE)}`;
  const socketmap = socketmapOf(config, files);
  if (socketmap !== undefined)
    return `config/postfix/socketmap.cf.fragment, with unix:${socketmap.place.path}:${MAP_NAME}`;
  if (publishesAs(config, 'postfix-pgsql'))
    return 'config/postfix/pgsql.main.cf.fragment and mandat-pgsql.cf, with the hosts and the database of PostgreSQL';
  return `config/postfix/texthash.cf.fragment, with ${ruleFileOf(config)?.path}`;
}

function judgeMaps(subject: Subject, found: Postfix, service: Service): Finding {
  const maps = service.setting('smtpd_sender_login_maps');
  const tables = tablesIn(maps);
  const ours = tables.find((table) => isOurTable(subject, table));
  if (ours === undefined) {
    return fail(`${service.name} doesn't ask mandat's map: smtpd_sender_login_maps = ${maps}`, fragment(subject));
  }
  if (ours.type === 'sqlite' && !existsSync(join(subject.files.senderDirectory, SENDER_FILE))) {
    const seen = `Postfix is stuck: the map that ${service.name} asks is not there, each question ends the proxymap that asks it, and the client waits`;
    return fail(seen, STUCK);
  }
  if (ours.type === 'pgsql' && ((statSync(ours.name, { throwIfNoEntry: false })?.mode ?? 0) & 0o004) !== 0) {
    const seen = `${ours.name} holds a password, and everybody on this machine may read it`;
    return fail(seen, `chown root:postfix ${ours.name} && chmod 640 ${ours.name}`);
  }
  // A text file is read before smtpd goes into its chroot.
  if (!ours.proxied && ours.type !== 'texthash') {
    const seen = `${service.name} asks the map itself, not through proxy:`;
    return service.chroot
      ? fail(`${seen}, and is chrooted: it can't reach it`, FRAGMENT)
      : warn(`${seen}: one open file for each smtpd`, FRAGMENT);
  }
  if (ours.proxied && !found.main('proxy_read_maps').includes(`${ours.type}:${ours.name}`)) {
    return fail(
      `proxymap doesn't open ${ours.type}:${ours.name}, because main.cf doesn't name it: every lookup stops smtpd`,
      `${FRAGMENT}, in main.cf and not with -o in master.cf; proxy_read_maps must hold $smtpd_sender_login_maps`,
    );
  }
  const asked = mapsIn(maps);
  if (asked.length > 1) {
    const first = tablesIn(asked[0] ?? '').some(({ name }) => name === ours.name);
    const seen = `the maps of ${service.name} are asked one after the other until one answers`;
    return first
      ? warn(`${seen}: what yours says of a delegated mailbox is not heard`, `unionmap:{...}, ${FRAGMENT}`)
      : fail(`${seen}: mandat's isn't heard where another knows the address`, `unionmap:{...}, ${FRAGMENT}`);
  }
  return ok(`${service.name}: ${maps}`);
}

/** Whether a table of Postfix's is one that mandat publishes. */
export function isOurTable(subject: Pick<Subject, 'config' | 'files'>, { type, name }: Table): boolean {
  const { config, files } = subject;
  if (type === 'socketmap') return name === `unix:${socketmapOf(config, files)?.place.path}:${MAP_NAME}`;
  if (type === 'texthash') return name === ruleFileOf(config)?.path;
  if (type === 'pgsql') return publishesAs(config, 'postfix-pgsql') && settingOf(name, 'query').includes(SENDER_VIEW);
  return type === 'sqlite' && isOurMap(subject, name);
}

/** Of a table's own file; empty where it isn't there, or not for us. */
function settingOf(tableFile: string, name: string): string {
  try {
    return parseSettings(asRoot(() => readFileSync(tableFile, 'utf8'))).get(name) ?? '';
  } catch {
    return '';
  }
}

function isOurMap(subject: Pick<Subject, 'files'>, tableFile: string): boolean {
  const published = join(subject.files.senderDirectory, SENDER_FILE);
  try {
    const path = settingOf(tableFile, 'dbpath');
    return path === published || realpathSync(path) === realpathSync(published);
  } catch {
    return false; // one of them isn't there, or not for us
  }
}

export const senderAnswers: Check = {
  name: 'Postfix lookups',
  needs: [senderMaps, senderTable],
  look: async (subject) => {
    const found = await here(subject);
    if (process.getuid?.() !== 0) return skipped("only root may ask Postfix's proxymap");
    if (!(await found.runs())) return skipped('Postfix is not running, and its proxymap answers for it');
    const rule = someRule(subject);
    const different = new Set(users(found.smtpd).map((service) => service.setting('smtpd_sender_login_maps')));
    const findings = await Promise.all([...different].map((maps) => judgeAnswers(subject, found, maps, rule)));
    return worst(findings) ?? skipped('no smtpd service lets users log in');
  },
};

async function judgeAnswers(
  subject: Subject,
  found: Postfix,
  maps: string,
  rule: SenderRule | undefined,
): Promise<Finding> {
  if (rule !== undefined) {
    const answer = await ask(found, rule.address, maps);
    if (answer.kind === 'error') return stops(answer.complaint);
    if (answer.kind === 'unknown' || !answer.values.includes(rule.login)) {
      const seen = `Postfix doesn't let ${rule.login} use ${rule.address}, as the map says`;
      return fail(seen, `${FRAGMENT}, and "postfix reload"`);
    }
  }
  const stranger = `${nobodysLogin()}@${rule?.address.split('@')[1] ?? 'example.org'}`;
  const own = await ask(found, stranger, maps);
  if (own.kind === 'error') return stops(own.complaint);
  if (own.kind === 'found' && own.values.includes(stranger)) {
    const asked = rule === undefined ? '' : ` (${rule.address})`;
    return ok(`the map is asked${asked}, and everybody keeps their own address`);
  }
  const seen = 'an address that mandat has never heard of belongs to nobody';
  const remedy = `config/postfix/identity.re beside mandat's map, ${FRAGMENT}`;
  const others = tablesIn(maps).filter((table) => !isOurTable(subject, table));
  if (others.length === 0) return fail(`${seen}: every other user is refused their own`, remedy);
  const listing = others.map(({ type, name }) => `${type}:${name}`).join(', ');
  return warn(`${seen}: fine only if ${listing} lists every user there is`, remedy);
}

function stops(complaint: string): Finding {
  return fail(
    `a lookup fails, and that stops smtpd: ${complaint}`,
    '"postfix reload"; mandat\'s map and main.cf as in config/postfix/',
  );
}

/** As smtpd does: one map after the other until one answers. */
async function ask(found: Postfix, address: string, maps: string): Promise<Lookup> {
  for (const map of mapsIn(maps)) {
    const answer = await found.lookUp(address, map);
    if (answer.kind !== 'unknown') return answer;
  }
  return { kind: 'unknown' };
}
