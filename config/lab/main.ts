import { parseArgs } from 'node:util';
import { type Lab, startLab } from './lab.ts';

const USAGE = 'usage: main.ts up [--no-inherit] [--no-postfix] [--tls] [--users alice,bob] [--directory DIR]';

/** `npx tsx config/lab/main.ts up`: the lab by hand, until Ctrl-C. Each user's password is their name. */
async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      'no-inherit': { type: 'boolean', default: false },
      'no-postfix': { type: 'boolean', default: false },
      tls: { type: 'boolean', default: false },
      users: { type: 'string', default: 'alice,bob,carol' },
      directory: { type: 'string' },
    },
  });
  if (positionals.length !== 1 || positionals[0] !== 'up') throw new Error(USAGE);
  const names = values.users.split(',').filter((name) => name !== '');
  const lab = await startLab({
    users: names.map((name) => ({ login: `${name}@lab.test`, password: name })),
    inherit: !values['no-inherit'],
    postfix: !values['no-postfix'],
    tls: values.tls,
    ...(values.directory === undefined ? {} : { directory: values.directory }),
  });
  console.log(describe(lab, names, !values['no-postfix'], values.tls));
  await interrupted();
  await lab.stop();
}

function describe(lab: Lab, names: readonly string[], postfix: boolean, tls: boolean): string {
  const row = (what: string, value: string) => `${what.padEnd(12)}${value}`;
  const rows = [
    row('users', `${names.map((name) => `${name}@lab.test`).join(' ')}   (password: the name before the @)`),
    row('imap', `${lab.imap.host}:${lab.imap.port}`),
    row(
      'master',
      `${lab.master.user}   password ${lab.master.password}   (authzid, or LOGIN owner*${lab.master.user})`,
    ),
    row('doveadm', `${lab.doveadm.url}   key ${lab.doveadm.apiKey}`),
  ];
  if (tls) rows.push(row('imaps', `${lab.imaps.host}:${lab.imaps.port}   certificate ${lab.certificate}`));
  if (postfix)
    rows.push(
      row('submission', `${lab.submission.host}:${lab.submission.port}`),
      row('smtp', `${lab.smtp.host}:${lab.smtp.port}   (from outside; mail for @lab.test)`),
      row('senders', `${lab.senderDirectory}/sender.db`),
      row('outside', `${lab.outside}   (what would have left)`),
    );
  rows.push(row('logs', Object.values(lab.logs()).join(' ')), 'Ctrl-C stops it.');
  return rows.join('\n');
}

/** Waiting for a signal does not keep Node alive, hence the timer. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => {}, 3_600_000);
    const end = () => {
      clearInterval(alive);
      resolve();
    };
    process.once('SIGINT', end).once('SIGTERM', end);
  });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
