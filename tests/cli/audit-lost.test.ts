/** The trail taken out whole, its key lost, the state lost: nothing of it passes for a trail that is whole, or begins anew by itself. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { desk, must } from './desk.ts';

t.test(
  'what was taken out whole shows by the file beside the key; a lost key or state is never made anew without a word',
  async (t) => {
    const { mandat, directory } = await desk(t);
    const at = (name: string) => path.join(directory, 'data/private', name);
    await must(mandat('mailbox', 'add', 'alice@lab.test'));
    await mandat('sync'); // no server answers, but what happened is sealed
    t.match(readFileSync(at('seal.head'), 'utf8'), /^[1-9]\d*:[0-9a-f]{64} [0-9a-f]{64}\n$/);
    t.match(await mandat('audit', 'verify'), { status: 0, stdout: /intact: [1-9]/ });
    t.match(await mandat('doctor'), { stdout: /ok +audit trail +its last \d+ entr/ });
    const kept = readFileSync(at('seal.head'));
    const whole = readFileSync(at('state.db'));

    const wiped = new Database(at('state.db'));
    wiped.exec("DROP TRIGGER audit_deleting; DELETE FROM audit; DELETE FROM facts WHERE name = 'audit-head'");
    wiped.close();
    const said = /broken: its entry \d+, which .*seal\.head names, is not there any more/;
    t.match(await mandat('audit', 'verify'), { status: 1, stdout: said }, 'the whole trail');
    t.match(await mandat('doctor'), { status: 1, stdout: /FAIL +audit trail .*seal\.head names/ });
    await mandat('mailbox', 'add', 'carol@lab.test');
    await mandat('sync');
    await mandat('sync');
    t.match(await mandat('audit', 'verify'), { status: 1, stdout: said }, 'and it goes on telling');
    t.same(readFileSync(at('seal.head')), kept);

    writeFileSync(at('state.db'), whole);
    rmSync(at('seal.head'));
    t.match(await mandat('audit', 'verify'), { status: 1, stdout: /seal\.head is not there.*mandat init/ });
    writeFileSync(at('seal.head'), kept.toString().replace(/^\d+/, '0'));
    t.match(
      await mandat('audit', 'verify'),
      { status: 1, stdout: /not written with this key/ },
      'nobody makes another',
    );
    rmSync(at('seal.head'));
    t.match(
      await must(mandat('init')),
      { stdout: /seal\.head: where the audit trail ends, made/ },
      'as after an upgrade',
    );
    t.match(await mandat('audit', 'verify'), { status: 0 });

    rmSync(at('seal.key'));
    for (const command of ['init', 'sync'])
      t.match(
        await mandat(command),
        { status: 2, stderr: /seal\.key is gone.*\(MANDAT_SEAL_KEY\)\n.*backup; .*--new-seal-key/ },
        command,
      );
    t.notOk(existsSync(at('seal.key')), 'none was made');
    t.match(await must(mandat('init', '--new-seal-key')), {
      stdout: /a new key; \d+ entr(?:y|ies) that can't be proven any more pruned/,
    });
    t.match(await mandat('audit', 'verify'), { status: 0, stdout: /intact: 1 entry, after \d+ that were pruned/ });
    t.match(await mandat('audit'), { stdout: /seal-key-new/ });

    rmSync(at('state.db'));
    t.match(await mandat('init'), {
      status: 2,
      stderr: /state\.db is gone.*\(MANDAT_STATE_LOST\)\n.*put state\.db back.*--new-seal-key/,
    });
    t.notOk(existsSync(at('state.db')), 'none was made');
    await must(mandat('init', '--new-seal-key'));
    t.match(await mandat('audit', 'verify'), { status: 0 });
  },
);
