/** What Postfix has here, and setting it up: text from postfix-changes.ts, read by postconf before and tried after. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWire } from '../doctor/line-session.ts';
import { type Postfix, readPostfix, type Service } from '../doctor/postconf.ts';
import { reply } from '../doctor/smtp-talk.ts';
import { Failure } from '../shared/failure.ts';
import { runTool } from '../shared/run-tool.ts';
import { fragment } from '../shared/shipped-files.ts';
import type { Change } from './change.ts';
import { linesOf, optionsOf, toRefuseAtOnce, withMaps, withOptions, withService } from './postfix-changes.ts';

export interface PostfixSite {
  readonly directory: string;
  /** Given with -c. */
  readonly chosen: readonly string[];
  readonly found: Postfix;
  /** Where users log in, by the names in master.cf. */
  readonly services: readonly string[];
}

/** Undefined where no submission service lets users log in. Fails `config` where Postfix can't be set up. */
export async function lookAtPostfix(given: string | undefined): Promise<PostfixSite | undefined> {
  const reading = await readPostfix(given);
  if (reading.found === undefined)
    throw new Failure('config', reading.why, 'without Postfix: sending = false; nothing was changed');
  const { found } = reading;
  if (!found.tableTypes.has('sqlite'))
    throw new Failure(
      'config',
      'this Postfix reads no SQLite tables',
      'apt-get install postfix-sqlite; nothing was changed',
    );
  const services = found.smtpd.filter((one) => letsLogIn(one) && !one.atPort25).map(({ name }) => name);
  if (services.length === 0) return undefined;
  const chosen = given === undefined ? [] : ['-c', given];
  const asked = await runTool('postconf', [...chosen, '-h', 'config_directory']);
  return { directory: given ?? asked.stdout.trim(), chosen, found, services };
}

const letsLogIn = (service: Service) => service.setting('smtpd_sasl_auth_enable') === 'yes';

export function postfixChanges({ directory, found }: PostfixSite, dataDirectory: string): readonly Change[] {
  const main = readFileSync(join(directory, 'main.cf'), 'utf8');
  let master = readFileSync(join(directory, 'master.cf'), 'utf8');
  const keyOf = ({ name }: Service) =>
    ['inet', 'pass']
      .map((type) => `${name}/${type}`)
      .find((key) => master.split('\n').some((line) => line.split(/\s+/).slice(0, 2).join('/') === key)) ??
    `${name}/inet`;
  const options = optionsOf(fragment('postfix/master.cf.fragment'));
  for (const service of found.smtpd) {
    if (service.atPort25 || !letsLogIn(service)) {
      const closed = letsLogIn(service) ? [{ name: 'smtpd_sasl_auth_enable', value: 'no' }] : [];
      master = withOptions(master, keyOf(service), [
        ...closed,
        ...optionsOf(fragment('postfix/port25.master.cf.fragment')),
      ]);
    } else {
      const atOnce = toRefuseAtOnce(service);
      const wanted =
        atOnce === undefined ? options.filter(({ name }) => name !== 'smtpd_delay_reject') : [...options, ...atOnce];
      master = withOptions(master, keyOf(service), wanted);
    }
  }
  master = withService(master, linesOf(fragment('postfix/proxymap.master.cf.fragment')));
  const had = found.main('smtpd_sender_login_maps');
  const ours = [`proxy:sqlite:${join(directory, 'mandat.cf')}`, `regexp:${join(directory, 'identity.re')}`];
  return [
    {
      file: join(directory, 'mandat.cf'),
      after: fragment('postfix/mandat.cf', { '/var/lib/mandat/sender': join(dataDirectory, 'sender') }),
    },
    { file: join(directory, 'identity.re'), after: fragment('postfix/identity.re') },
    { file: join(directory, 'main.cf'), after: withMaps(main, had, ours) },
    { file: join(directory, 'master.cf'), after: master },
  ];
}

export async function reloadPostfix({ chosen, found }: PostfixSite): Promise<void> {
  const checked = await runTool('postfix', [...chosen, 'check'], PATIENCE_MS);
  if (checked.status !== 0) throw new Failure('config', `postfix check: ${checked.complaint}`);
  if (!(await found.runs())) return;
  const reloaded = await runTool('postfix', [...chosen, 'reload'], PATIENCE_MS);
  if (reloaded.status !== 0) throw new Failure('config', `postfix reload: ${reloaded.complaint}`);
}

const PATIENCE_MS = 30_000;
const ANSWER_MS = 5000;
const PORTS: Readonly<Record<string, number>> = { smtp: 25, submission: 587 };

/** Each service that speaks without TLS greets, and answers EHLO: one whose map can't be opened does neither. */
export async function tryPostfix({ found }: PostfixSite): Promise<void> {
  if (!(await found.runs())) return;
  for (const { name } of found.smtpd) {
    const port = PORTS[name] ?? Number(/:(\d+)$/.exec(name)?.[1]);
    const host = /^([\d.]+):\d+$/.exec(name)?.[1] ?? '127.0.0.1';
    if (!Number.isInteger(port) || port === 465) continue;
    const wire = await openWire({ host, port }, ANSWER_MS);
    try {
      await reply(wire);
      wire.send('EHLO localhost');
      const answer = (await reply(wire)).at(-1) ?? '';
      if (!answer.startsWith('250')) throw new Failure('config', `${name} answers EHLO with ${answer}`);
    } finally {
      wire.close();
    }
  }
}
