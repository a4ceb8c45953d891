/** A site of before mandat: the lab's Dovecot and Postfix without any of its lines, as a distribution's packages leave them. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Lab, startLab } from '../../config/lab/lab.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { builtMandat } from '../cli/built.ts';
import { type Ran, ran } from '../cli/commands.ts';
import { at, password } from './site.ts';

export interface Stock {
  readonly lab: Lab;
  readonly dovecotConf: string;
  readonly postfix: string;
  readonly configFile: string;
  readonly dataDirectory: string;
  mandat(...args: readonly string[]): Promise<Ran>;
  /** `mandat setup` with these answers beside those that this machine needs. */
  setUp(answers: Readonly<Record<string, string | boolean>>, ...options: readonly string[]): Promise<Ran>;
  /** Every file of the configurations, to see that nothing has changed. */
  files(): Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const LIMIT_MS = 60_000;

/** `separator`: of the private namespace; undefined: none is set, as in Debian's packages. `main`: more lines for main.cf. */
export async function startStock(users: readonly string[], separator: string | undefined, main = ''): Promise<Stock> {
  const lab = await startLab({
    reuse: false,
    chroot: true,
    users: users.map((name) => ({ login: at(name), password: password(name) })),
  });
  const dovecotConf = path.join(lab.directory, 'dovecot/dovecot.conf');
  const postfix = path.join(lab.directory, 'postfix/conf');
  const rewrite = (file: string, ...what: readonly (readonly [RegExp, string])[]) =>
    writeFileSync(
      file,
      what.reduce((text, [pattern, by]) => text.replace(pattern, by), readFileSync(file, 'utf8')),
    );
  rewrite(
    dovecotConf,
    [/# ---- what the product asks for[\s\S]*/, ''],
    [/^ {2}separator = \/\n/m, separator === undefined ? '' : `  separator = ${separator}\n`],
  );
  rewrite(path.join(postfix, 'main.cf'), [/# ---- what the product asks for[\s\S]*/, main]);
  const ours =
    /^ {2}-o (?:smtpd_sender_restrictions|smtpd_recipient_restrictions|smtpd_delay_reject|proxymap_service_name|smtpd_sender_login_maps)=.*\n/gm;
  rewrite(path.join(postfix, 'master.cf'), [ours, ''], [/^proxymap +unix +n .*$/m, ''], [/^#.*\n/gm, '']);
  rmSync(path.join(lab.directory, 'dovecot/mandat'), { recursive: true });
  for (const name of ['mandat.cf', 'identity.re']) rmSync(path.join(postfix, name));
  rmSync(lab.senderDirectory, { recursive: true });
  execFileSync('doveadm', ['-c', dovecotConf, 'reload'], { stdio: 'pipe' });
  await lab.stopPostfix();
  await lab.startPostfix();
  await waitFor('Dovecot has forgotten mandat', LIMIT_MS, () => {
    const said = execFileSync('doveconf', ['-c', dovecotConf, '-n'], { encoding: 'utf8' });
    return !said.includes('acl');
  });
  const configFile = path.join(lab.directory, 'etc/mandat.toml');
  const dataDirectory = path.join(lab.directory, 'data');
  const mandat = async (...args: readonly string[]) => ran([...(await builtMandat()), '--config', configFile, ...args]);
  return {
    lab,
    dovecotConf,
    postfix,
    configFile,
    dataDirectory,
    mandat,
    setUp: async (answers, ...options) => {
      const given = { user: 'root', service: false, data_dir: dataDirectory, ...answers };
      const lines = Object.entries(given).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
      const [one, other] = users;
      const file = path.join(lab.directory, 'answers.toml');
      writeFileSync(
        file,
        `${lines.join('\n')}\ntry_as = [${JSON.stringify(at(one ?? ''))}, ${JSON.stringify(at(other ?? ''))}]\n`,
      );
      return mandat(
        'setup',
        '--answers',
        file,
        '--dovecot-config',
        dovecotConf,
        '--postfix-config',
        postfix,
        ...options,
      );
    },
    files: () => {
      const found: Record<string, string> = {};
      for (const directory of [path.dirname(dovecotConf), postfix, path.dirname(configFile)]) {
        if (!existsSync(directory)) continue;
        for (const name of readdirSync(directory)) {
          const file = path.join(directory, name);
          if (/\.(conf|cf|re|toml|pem|passwd|secret|before-mandat)$/.test(name) || name === 'mandat')
            found[file] = name === 'mandat' ? readdirSync(file).join() : readFileSync(file, 'utf8');
        }
      }
      found.data = String(existsSync(dataDirectory));
      return found;
    },
    stop: () => lab.stop(),
  };
}
