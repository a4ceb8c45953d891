/** A file of sender rules that whoever runs the sidecar can't bring up to date: told by doctor, before anybody sends as who they were. */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { keptFrom } from '../../bridge/doctor/sender-outputs.ts';

const MANDAT = { uid: 61_234, gid: 61_234 };
const POSTFIX = 61_235;
const RELOAD = ['/usr/sbin/postfix', 'reload'];

t.test('the texthash fragment with the shipped unit, and what would work', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'mandat-kept-'));
  t.teardown(() => rm(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  const inside = (name: string, mode: number, uid: number, gid: number) => {
    const made = path.join(directory, name);
    mkdirSync(made);
    chmodSync(made, mode);
    chownSync(made, uid, gid);
    return path.join(made, 'senders');
  };
  const etc = inside('etc', 0o755, 0, 0);
  const secret = inside('secret', 0o700, 0, 0);
  const own = inside('own', 0o750, MANDAT.uid, POSTFIX);
  const shared = inside('shared', 0o2770, 0, POSTFIX);
  const rows: readonly (readonly [path: string, reload: readonly string[] | undefined, says: RegExp | undefined])[] = [
    [etc, RELOAD, /user 61234, who runs mandat, may not write in .*etc, and .*senders is made anew/],
    [secret, undefined, /may not write in .*secret/],
    [path.join(directory, 'none/senders'), undefined, /none, where .* is to stand, is not there/],
    [own, RELOAD, /runs \/usr\/sbin\/postfix, which obeys root alone/],
    [own, undefined, undefined],
    [own, ['/usr/bin/sudo', ...RELOAD], undefined],
    [shared, undefined, undefined],
  ];
  for (const [file, reload, says] of rows) {
    const found = keptFrom(MANDAT, { path: file, gid: POSTFIX, reload });
    if (says === undefined) t.equal(found, undefined, `${file} ${reload}`);
    else t.match(found, { status: 'fail', seen: says, remedy: /./ }, `${file} ${reload}`);
    t.notMatch(found?.remedy, /chmod/, 'no directory of secrets is opened');
    t.equal(keptFrom({ uid: 0, gid: 0 }, { path: file, gid: POSTFIX, reload }), undefined, 'root');
  }
});
