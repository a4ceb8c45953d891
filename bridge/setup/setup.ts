/**
 * mandat set up on this machine's Dovecot and Postfix, stage by stage: look, show what would change, ask, write, try, and put it all back where
 * a try fails. Dovecot's way in comes first, which changes nothing for anybody and lets us log in as two users, before and after.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { rootCertificates } from 'node:tls';
import { userNamed } from '../doctor/permissions.ts';
import { Failure, failureOf } from '../shared/failure.ts';
import { runTool } from '../shared/run-tool.ts';
import type { Answers } from './answers.ts';
import { type Change, emptied, needed, type Owner, type Place, putBack, shown, write } from './change.ts';
import { lookAtDatabase } from './database.ts';
import { newSecret, SEPARATOR, type Secrets, sharedPlace, sharing, wayIn } from './dovecot-changes.ts';
import {
  type Account,
  accountsOf,
  certificateOf,
  chosen,
  type DovecotSite,
  lookAtDovecot,
  shownSeparator,
} from './dovecot-site.ts';
import { asInstalled, ownFiles, packagedUnit, unit } from './mandat-files.ts';
import { freePort } from './ports.ts';
import { lookAtPostfix, postfixChanges, reloadPostfix, tryPostfix } from './postfix-site.ts';
import { foldersOf, patiently, sharesWith, type Trial } from './trial.ts';

export interface Around {
  readonly configFile: string;
  /** Where they aren't this machine's own. */
  readonly dovecotConfig: string | undefined;
  readonly postfixConfig: string | undefined;
  /** How this program is called: node, and its file. */
  readonly program: readonly string[];
  say(line: string): void;
  /** False: nothing more is done. */
  agreed(question: string): Promise<boolean>;
}

export type Outcome = 'done' | 'declined';

/** Fails with what stands in the way; everything is then as it was before. */
export async function setUp(answers: Answers, around: Around): Promise<Outcome> {
  if (process.getuid?.() !== 0)
    throw new Failure('config', 'only root can set it up', 'run it as root; nothing was changed');
  const { say } = around;
  if (existsSync(around.configFile) && !asInstalled(around.configFile))
    throw new Failure(
      'config',
      `${around.configFile} is there already`,
      'move it away to begin anew, or change it by hand; nothing was changed',
    );
  const runner = runnerOf(answers.user);
  const dovecot = userNamed('dovecot');
  if (dovecot === undefined)
    throw new Failure('config', 'there is no user dovecot', 'install Dovecot from its package; nothing was changed');
  const site = await lookAtDovecot(around.dovecotConfig);
  const accounts = await accountsOf(around.dovecotConfig, answers.try_as);
  const separator = shownSeparator(site);
  say(
    `Dovecot ${site.version}: ${site.file}, mail in ${site.storage.shown}, folders are named with "${separator}", IMAP on port ${site.imapPort}${site.tls === 'none' ? ' without TLS' : ''}`,
  );
  for (const line of await lookAtDatabase(answers, around.configFile)) say(line);
  const postfix = answers.sending ? await lookAtPostfix(around.postfixConfig) : undefined;
  if (answers.sending)
    say(
      postfix === undefined
        ? NO_SUBMISSION
        : `Postfix: ${postfix.directory}, users log in at ${postfix.services.join(', ')}`,
    );
  if (separator !== SEPARATOR) {
    say(separatorWords(separator));
    if (!answers.change_separator)
      throw new Failure(
        'config',
        `folders are named with "${separator}" here, and sharing needs "${SEPARATOR}"`,
        'agree to it (change_separator = true), or leave delegation off; nothing was changed',
      );
  }

  const secrets: Secrets = { master: newSecret(), apiKey: newSecret(), events: newSecret() };
  const ports = { doveadm: await freePort(8080), events: answers.events ? await freePort(8475) : undefined };
  const mail: Owner = { uid: accounts[0]?.uid ?? 0, gid: accounts[0]?.gid ?? 0 };
  const sending = postfix !== undefined;
  const first = wayIn(site, secrets, ports, { uid: dovecot.uid, gid: [...dovecot.gids][0] ?? 0 });
  const dovecotText = first.find(({ file }) => file === site.file)?.after;
  const second = sharing(site, answers, dovecotText);
  const own = ownFiles({
    configFile: around.configFile,
    answers,
    site,
    secrets,
    ports,
    sending,
    runner,
  });
  const third = postfix === undefined ? [] : postfixChanges(postfix, answers.data_dir);
  const starts = answers.service && existsSync('/etc/systemd/system');
  const service =
    starts && !packagedUnit(around.configFile, answers) ? [unit(around.configFile, answers.user, around.program)] : [];
  for (const change of needed([
    ...first.filter(({ file }) => file !== site.file),
    ...second,
    ...own,
    ...third,
    ...service,
  ]))
    say(shown(change));
  if (!(await around.agreed('Make these changes? Each is tried, and everything is put back where one fails.')))
    return 'declined';

  const undo: (() => unknown)[] = [];
  const step = async (places: readonly Place[], changes: readonly Change[], after: () => Promise<unknown>) => {
    undo.push(after, write(places, changes)); // the files first, then what reads them
    await after();
  };
  try {
    const reload = () => reloadDovecot(site, around.dovecotConfig);
    const fragments = { directory: site.directory, mode: 0o755 };
    await step([fragments], first, reload);
    const trial = trialOf(site, secrets);
    const before = await foldersOfAll(trial, accounts);
    say(`logged in as ${answers.try_as.join(' and ')}`);
    await step([sharedPlace(site, mail)], second, reload);
    await patiently(() => sharesWith(trial, answers.try_as[0], answers.try_as[1]));
    sameFolders(before, await foldersOfAll(trial, accounts), separator);
    say(
      `${answers.try_as[0]} shared the INBOX with ${answers.try_as[1]}, who opened it, and it was taken away again; both see their own folders as before`,
    );

    const readable = { mode: 0o750, owner: { uid: 0, gid: runner.gid } };
    await step([{ directory: dirname(around.configFile), ...readable }], own, async () => {});
    undo.push(emptied(answers.data_dir));
    undo.push(write([{ directory: answers.data_dir, mode: 0o711, owner: runner }], []));
    say(init(answers, around));
    if (postfix !== undefined) {
      await step([], third, () => reloadPostfix(postfix));
      await patiently(() => tryPostfix(postfix));
      say(`Postfix answers at ${postfix.services.join(', ')} and where mail from outside comes in`);
    }
    if (service.length > 0) write([], service);
  } catch (error) {
    say('that did not work: putting everything back');
    const left = await putBack(undo.reverse());
    const { code, message, hint } = failureOf(error);
    const now =
      left.length === 0 ? 'everything is as it was before' : `not everything could be put back: ${left.join('; ')}`;
    throw new Failure(code, message, [hint, now].filter((part) => part !== '').join('; '), { cause: error });
  }
  say(starts ? started() : `start it: ${around.program.join(' ')} --config ${around.configFile} run`);
  return 'done';
}

const NO_SUBMISSION =
  'Postfix: no submission service lets users log in, so delegates will read and not send; switch one on in master.cf and set that part up by hand (docs/by-hand.md, Postfix)';

function separatorWords(separator: string): string {
  return `Folders below others are called "Projets${separator}2026" here, and will be "Projets/2026": a delegated mailbox is named after its owner's address, which has dots, and Dovecot wants one separator for all. Mail stays where it is. Mail programs read the folder list anew; filters (Sieve) and settings that name a folder below another by "${separator}" must be changed.`;
}

function runnerOf(user: string): Owner {
  const found = userNamed(user);
  if (found === undefined)
    throw new Failure(
      'config',
      `there is no user ${user}`,
      `adduser --system --group --home /var/lib/mandat ${user} && adduser ${user} postfix; nothing was changed`,
    );
  const group = spawnSync('id', ['-g', '--', user], { encoding: 'utf8' });
  return { uid: found.uid, gid: Number(group.stdout.trim()) };
}

async function reloadDovecot(site: DovecotSite, given: string | undefined): Promise<void> {
  const checked = await runTool('doveconf', [...chosen(given), '-n']);
  if (checked.status !== 0) throw new Failure('config', `doveconf refuses ${site.file}: ${checked.complaint}`);
  const answer = await runTool('doveadm', [...chosen(given), 'reload']);
  if (answer.status !== 0)
    throw new Failure('config', `doveadm reload: ${answer.complaint}`, 'Dovecot must be running');
}

function trialOf(site: DovecotSite, { master }: Secrets): Trial {
  const certificate = certificateOf(site.certificate);
  const own =
    certificate?.selfSigned === true && site.certificate !== undefined ? [readFileSync(site.certificate, 'utf8')] : [];
  return {
    endpoint: {
      host: '127.0.0.1',
      port: site.imapPort,
      tls: site.tls,
      ca: [...rootCertificates, ...own],
      serverName: certificate?.name,
      timeoutMs: 10_000,
    },
    by: { kind: 'authzid', adminUser: 'bridge', adminPassword: master, separator: '*' },
  };
}

async function foldersOfAll(trial: Trial, accounts: readonly Account[]) {
  const all: (readonly string[])[] = [];
  for (const { login } of accounts) all.push(await patiently(() => foldersOf(trial, login)));
  return all;
}

function sameFolders(
  before: readonly (readonly string[])[],
  after: readonly (readonly string[])[],
  separator: string,
): void {
  const expected = before.map((names) => names.map((name) => name.replaceAll(separator, SEPARATOR)).sort());
  if (JSON.stringify(expected) !== JSON.stringify(after))
    throw new Failure('config', 'the users do not see the folders any more that they saw before');
}

/** As the user that the sidecar runs as: what it makes must be theirs. */
function init({ user }: Answers, { program, configFile }: Around): string {
  const words = [...program, '--config', configFile, 'init'];
  const argv = user === 'root' ? words : ['runuser', '-u', user, '--', ...words];
  const { status, stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', cwd: '/' });
  if (status !== 0) throw new Failure('config', `mandat init: ${stderr.trim().replace(/^mandat: /, '')}`);
  return stdout.trim();
}

function started(): string {
  if (!existsSync('/run/systemd/system')) return 'the unit mandat.service is there: systemctl enable --now mandat';
  spawnSync('systemctl', ['daemon-reload']);
  const { status, stderr } = spawnSync('systemctl', ['enable', '--now', 'mandat'], { encoding: 'utf8' });
  return status === 0 ? 'the sidecar was started by systemd' : `systemctl enable --now mandat: ${stderr.trim()}`;
}
