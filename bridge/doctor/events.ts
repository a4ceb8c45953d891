/** Dovecot's events: does the sidecar listen, does Dovecot send there, does one arrive? */
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { EVENTS_PASSWORD, readSecret } from '../../config/secret.ts';
import { EVENTS_PATH, EVENTS_USER } from '../events/endpoint.ts';
import { eventsSeen } from '../events/events-seen.ts';
import { openIntake } from '../events/intake.ts';
import { newSign, signOf } from '../events/sign.ts';
import { text } from '../imap/arguments.ts';
import { askEvents } from './doveconf.ts';
import type { EventExporter } from './doveconf-text.ts';
import { fragmentOf } from './dovecot-syntax.ts';
import type { Opened, Subject } from './examined-site.ts';
import { eventsPassword } from './files.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import { adminLogin } from './imap.ts';
import { runs } from './sidecar.ts';

const NONE = '[events] is not configured: what others change is found by looks and sweeps';

function place({ config: { events } }: Subject): {
  readonly host: string;
  readonly port: number;
  readonly shown: string;
} {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(events?.listen ?? '') ?? [];
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port), shown: events?.listen ?? '' };
}

const passwordOf = ({ config, env }: Subject) =>
  readSecret({ ...EVENTS_PASSWORD, file: config.events?.passwordFile ?? '', env });

export const eventsTaken: Check = {
  name: 'taking of events',
  needs: [eventsPassword],
  look: async (subject) => {
    if (subject.config.events === undefined) return skipped(NONE);
    const { host, port, shown } = place(subject);
    const status = await answered(host, port, passwordOf(subject));
    if (status === 405) return ok(`${shown}, by the password that is configured`);
    if (status === 401)
      return fail(
        `${shown} knows another password`,
        'the sidecar reads a changed file within seconds; is it another program that listens there?',
      );
    if (status !== undefined)
      return fail(
        `${shown} is no listener of mandat's: it answers ${status}`,
        'give [events] listen a port of its own',
      );
    if (!runs(subject)) return skipped(`nobody listens at ${shown}, since no sidecar is running`);
    return fail(`nobody listens at ${shown}`, 'the log of the sidecar says why ("no events are taken")');
  },
};

/** GET: what listens says that only POST will do, to whom knows the password. */
function answered(host: string, port: number, password: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = http.get({
      host,
      port,
      path: EVENTS_PATH,
      auth: `${EVENTS_USER}:${password}`,
      timeout: PATIENCE_MS,
      agent: false,
    });
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('timeout', () => request.destroy()).on('error', () => resolve(undefined));
  });
}

const PATIENCE_MS = 2000;
const COMMANDS = ['CREATE', 'DELETE', 'RENAME', 'SETACL', 'DELETEACL'];

export const eventsSent: Check = {
  name: 'sending of events',
  needs: [eventsPassword],
  look: async (subject) => {
    if (subject.config.events === undefined) return skipped(NONE);
    const reading = await subject.doveconf();
    if (reading.found === undefined) return skipped(reading.why);
    const { syntax, source } = reading.found;
    const said = await askEvents(subject.options.dovecotConfig);
    if (said.found === undefined) return skipped(said.why);
    const { host, port, shown } = place(subject);
    const fragment = fragmentOf(syntax, 'events.conf');
    const { exporters, metrics } = syntax.events(said.found);
    const ours = exporters.find((one) => isAt(one, host, port));
    if (ours === undefined) {
      const blind = exporters.some(({ url }) => url === '');
      const why = blind ? ', as far as the doctor may read it (events-url.conf is for root)' : '';
      return (blind ? warn : fail)(`Dovecot sends nothing to ${shown}${why} (${source})`, `${fragment} says how`);
    }
    if (ours.user !== EVENTS_USER || ours.password !== passwordOf(subject))
      return fail(
        `Dovecot sends to ${shown} with another name or password than mandat expects`,
        `events-url.conf beside Dovecot's configuration: http://${EVENTS_USER}:PASSWORD@${shown}${EVENTS_PATH}, by the password in ${subject.config.events.passwordFile}`,
      );
    if (ours.path !== EVENTS_PATH || !ours.byHttp || ours.format !== 'json')
      return fail(
        `Dovecot does not send JSON by HTTP to ${EVENTS_PATH} at ${shown}`,
        `${fragment}: the exporter ${ours.name}`,
      );
    const filters = metrics.filter(({ exporters: to }) => to.includes(ours.name)).map(({ filter }) => filter);
    const told = (command: string) =>
      filters.some(
        (one) =>
          /imap_command_finished/.test(one) &&
          (!/cmd_name/.test(one) || new RegExp(`cmd_name="?${command}\\b`).test(one)),
      );
    const lacking = COMMANDS.filter((command) => !told(command));
    if (lacking.length > 0)
      return fail(`Dovecot does not tell of ${lacking.join(', ')} (${source})`, `${fragment}: the metrics`);
    if (!filters.some((one) => /mail_user_session_finished/.test(one)))
      return warn(`Dovecot does not tell of what "doveadm acl" does (${source})`, `${fragment}: metric mandat_doveadm`);
    return ok(`Dovecot sends what changes folders and entries to ${shown} (${source})`);
  },
};

function isAt({ host, port }: EventExporter, wanted: string, at: number): boolean {
  const loopback = ['127.0.0.1', '::1', 'localhost'];
  return port === at && (host === wanted || (loopback.includes(host) && loopback.includes(wanted)));
}

/** The sidecar notes what has come every two seconds. */
const ARRIVES_MS = 10_000;

export const eventsArrive: Check = {
  name: 'arrival of events',
  needs: [adminLogin],
  look: async (subject) => {
    if (subject.config.events === undefined) return skipped(NONE);
    if (!runs(subject)) return skipped('no sidecar is running');
    const opened = await subject.opened();
    if (opened === undefined) return skipped('there is no mailbox to cause one in: register one, or --probe');
    return arrival(subject, opened, async (sign) => (await eventsSeen(await subject.state()))?.sign === sign);
  },
};

/** Before a sidecar runs: the doctor listens itself. */
export const eventsWouldArrive: Check = {
  name: 'events before a sidecar runs',
  needs: [adminLogin, eventsPassword],
  look: async (subject) => {
    if (subject.config.events === undefined) return skipped(NONE);
    if (runs(subject)) return skipped('one runs, and takes them itself');
    const opened = await subject.opened();
    if (opened === undefined) return skipped('there is no mailbox to cause one in: register one, or --probe');
    const { host, port } = place(subject);
    const seen = new Set<string>();
    const take = (event: Parameters<typeof signOf>[0]) => void seen.add(signOf(event) ?? '');
    const intake = await openIntake({ host, port, password: passwordOf(subject), takers: [take], onHint: () => {} });
    try {
      return await arrival(subject, opened, async (sign) => seen.has(sign));
    } finally {
      await intake.close();
    }
  },
};

/** The session asks for a folder to be deleted that isn't there, by a name that nobody can guess: the server refuses, and tells of it. */
async function arrival({ config }: Subject, { login, connection }: Opened, came: (sign: string) => Promise<boolean>) {
  const sign = newSign();
  const reply = await connection.run('DELETE', [text(sign)]);
  if (reply.ok)
    return fail(
      `the server has deleted ${sign} of ${login}, which was not there`,
      'this is no Dovecot that mandat knows',
    );
  for (const until = performance.now() + ARRIVES_MS; performance.now() < until; await delay(100))
    if (await came(sign)) return ok(`a command in the mailbox of ${login} was told of at once`);
  return fail(
    `a command in the mailbox of ${login} was told of to nobody within ${ARRIVES_MS / 1000} s`,
    `"doveadm reload" after a change of its configuration; Dovecot's log says when it can't send. Meanwhile sweeps find what is changed, every ${config.schedule.sweepIntervalMinutes} minutes`,
  );
}
