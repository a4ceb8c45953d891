/**
 * How the sidecar is: it hears what goes on (signs.ts), and says so to a monitoring system (`[health]`) and to whoever runs it (supervisor.ts).
 * It is there before the databases are opened and after they are closed, so that it can say that too.
 */
import { setInterval } from 'node:timers';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { imapEndpoint } from '../configured/drivers.ts';
import { greets, openContacts } from './contact.ts';
import type { Metrics } from './metrics.ts';
import type { Counts } from './passes.ts';
import { openPulse, type Part, stalledAfter } from './pulse.ts';
import { readiness, readyToTakeOver } from './ready.ts';
import { type Answer, type HealthServer, serveHealth } from './server.ts';
import type { Sight } from './sight.ts';
import type { PassSigns, Signs, StandsBy } from './signs.ts';

export interface Health {
  readonly signs: Signs;
  /** Whether the work goes on. */
  alive(): readonly Part[];
  /** A line for whoever looks at the service: how much there is to do. It names nobody. */
  line(): string;
  reload(config: Config): Promise<void>;
  close(): Promise<void>;
}

/** How old what is known of the IMAP server may be before we look ourselves; sooner where it was not reached. */
const LOOK_MS = 60_000;
const LOOK_AGAIN_MS = 5000;
const LOOKS_MS = 1000;

export async function openHealth(config: Config, version: string, log: Logger): Promise<Health> {
  let current = config;
  let sight: Sight | undefined;
  let standsBy: StandsBy | undefined;
  let metrics: Metrics | undefined;
  let server: HealthServer | undefined;
  const pulse = openPulse(stalledAfter(config.imap.timeoutSeconds));
  const contacts = openContacts();

  const alive = () => {
    const sizes = sight?.sizes();
    const waiting = sizes && Object.values(sizes.queued).reduce((sum, one) => sum + one, 0);
    return pulse.look(sizes && { waiting: waiting ?? 0, inHand: sizes.inHand });
  };
  const ready = async () => {
    const checks = standsBy === undefined ? await readiness(sight, contacts.known()) : readyToTakeOver(standsBy);
    return { ready: checks.every(({ ok }) => ok), checks };
  };
  const answers = {
    '/healthz': async () => {
      const parts = alive();
      const healthy = parts.every(({ ok }) => ok);
      return json(healthy ? 200 : 503, { healthy, parts });
    },
    '/readyz': async () => {
      const told = await ready();
      return json(told.ready ? 200 : 503, told);
    },
    '/metrics': async (): Promise<Answer> => {
      const { ready: isReady } = await ready();
      const { type, text } =
        (await metrics?.scrape({
          sight,
          imap: contacts.known(),
          ready: isReady,
          standsBy: standsBy !== undefined,
          version,
        })) ?? EMPTY;
      return { status: 200, type, body: text };
    },
  };
  const serve = async () => {
    const listen = current.health?.listen;
    if (listen === undefined) return;
    metrics ??= (await import('./metrics.ts')).openMetrics(log); // who isn't asked needs none of it
    server = await serveHealth({ listen, answers, log });
  };

  let looking = false;
  const lookAtServer = async () => {
    if (current.health === undefined || sight === undefined || looking) return;
    const known = contacts.known();
    const age = known === undefined ? Number.POSITIVE_INFINITY : Date.now() - known.at;
    if (age < (known?.up === false ? LOOK_AGAIN_MS : LOOK_MS)) return;
    looking = true;
    try {
      contacts.told((await greets(imapEndpoint(current))) ? 'greeted' : 'unreachable');
    } catch {
      contacts.told('unreachable'); // imap.ca_file can't be read, which each pass says too
    } finally {
      looking = false;
    }
  };
  const looks = setInterval(() => void lookAtServer(), LOOKS_MS);
  looks.unref();
  await serve();

  return {
    signs: {
      open: (seen) => {
        sight = seen;
        return () => {
          if (sight === seen) sight = undefined;
        };
      },
      job: pulse.job,
      pass: async (mailboxId, attempt, work) => {
        const one = pulse.pass();
        try {
          const { passes } = metrics ?? {};
          const at = sight;
          const own = (counts: Counts | undefined): PassSigns => ({
            step: (step) => {
              one.sign();
              counts?.step(step);
            },
            said: (lines) => counts?.said(lines),
            contact: (contact) => {
              one.sign();
              contacts.told(contact);
            },
          });
          if (passes === undefined || at === undefined) return await work(own(metrics?.passes.beside));
          return await passes.measured(at, mailboxId, attempt, (counts) => work(own(counts)));
        } finally {
          one.end();
        }
      },
      step: (step) => metrics?.passes.beside.step(step),
      said: (lines) => metrics?.passes.beside.said(lines),
      standsBy: (how) => {
        standsBy = how;
      },
      contact: contacts.told,
    },
    alive,
    line: () => {
      if (standsBy !== undefined) return standsBy.told;
      if (sight === undefined) return 'opening the databases';
      const { queued, inHand, retrying } = sight.sizes();
      const waiting = Object.values(queued).reduce((sum, one) => sum + one, 0);
      const failing = Object.values(retrying).reduce((sum, one) => sum + one, 0);
      return `watching; mailboxes: ${inHand} in hand, ${waiting} waiting, ${failing} to be tried again`;
    },
    reload: async (next) => {
      const before = current.health?.listen;
      current = next;
      if (before === next.health?.listen) return;
      await server?.close();
      server = undefined;
      await serve();
    },
    close: async () => {
      clearInterval(looks);
      await server?.close();
    },
  };
}

const json = (status: number, told: object): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(told)}\n`,
});

const EMPTY = { type: 'text/plain', text: '' };
