/** `mandat restore` killed somewhere on its way: what was there is there, or nothing runs before it is done again; and then all is as it was. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { desk, must } from '../cli/desk.ts';
import { prepare, rows } from '../store/shell.ts';

const delegates = (file: string) => rows(file, 'SELECT identifier FROM delegates ORDER BY identifier');

type Files = ReturnType<typeof dataFiles>;
const asides = ({ privateDirectory }: Files) =>
  readdirSync(privateDirectory).filter((name) => name.startsWith('before-restore-')).length;

/** As soon as this is so, it is killed; unless it was faster. */
const MOMENTS: readonly (readonly [string, (files: Files) => boolean])[] = [
  ['the first copy', ({ delegations }) => existsSync(`${delegations}.restore`)],
  ['the last copy', ({ sealKey }) => existsSync(`${sealKey}.restore`)],
  ['the mark', ({ privateDirectory }) => existsSync(path.join(privateDirectory, 'restore.unfinished'))],
  ['put aside', (files) => asides(files) > 0],
  ['in its place', (files) => asides(files) > 0 && existsSync(files.state) && !existsSync(`${files.sealKey}.restore`)],
];

for (const [what, isSo] of MOMENTS) {
  t.test(what, async (t) => {
    const { mandat, mandatWith, directory } = await desk(t);
    await must(mandat('mailbox', 'add', 'alice@lab.test'));
    await must(mandat('delegate', 'add', 'bob@lab.test'));
    const files = dataFiles(path.join(directory, 'data'));
    await mandat('sync'); // nobody answers
    prepare(
      files.state,
      `INSERT INTO ledger (mailbox_id, delegate_id, address, server, owner_login, login, phase, since)
       VALUES (1, 1, 'alice@lab.test', 'main', 'alice@lab.test', 'bob@lab.test', 'verified', '2026-11-01T00:00:00.000Z')`,
    );
    const backup = path.join(directory, 'backup');
    await must(mandat('backup', backup));
    await must(mandat('delegate', 'add', 'carol@lab.test'));
    prepare(files.state, 'DELETE FROM ledger'); // as if revoked since
    await mandat('sync');
    let timer: NodeJS.Timeout | undefined;
    const started = (child: { kill(signal: NodeJS.Signals): boolean }) => {
      timer = setInterval(() => {
        if (!isSo(files)) return;
        clearInterval(timer);
        child.kill('SIGKILL');
      }, 1);
    };
    await mandatWith({ started }, 'restore', backup, '--yes').catch(() => {}); // it has no exit status
    clearInterval(timer);
    const half = existsSync(path.join(files.privateDirectory, 'restore.unfinished'));
    t.comment(half ? 'half restored' : 'before, or after');
    if (half) t.match(await mandat('sync'), { status: 2, stderr: /MANDAT_HALF_RESTORED/ });
    else t.match(await mandat('audit', 'verify'), { status: 0 });
    await must(mandat('restore', backup, '--yes'));
    t.same(delegates(files.delegations), ['bob@lab.test']);
    t.same(rows(files.state, 'SELECT phase FROM ledger'), ['revoking'], 'what was revoked since is known still');
    t.match(await mandat('audit', 'verify'), { status: 0 });
    t.same(
      [files.privateDirectory, files.tableDirectory]
        .flatMap((one) => readdirSync(one))
        .filter((name) => /restore$|unfinished/.test(name)),
      [],
      'nothing of it is left',
    );
  });
}
