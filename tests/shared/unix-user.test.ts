/** A group by its number, which has no name on this machine: taken as it is, and one of a root command's groups after it has become somebody. */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { groupId } from '../../bridge/store/databases.ts';

const NAMELESS = 41_102;

t.test('the number of a group is its id', async (t) => {
  t.equal(groupId(String(NAMELESS)), NAMELESS);
  t.equal(groupId('no-such-group'), undefined);
});

for (const become of ['becomeForGood', 'becomeForFiles']) {
  t.test(`a root command takes it along, and leaves root's own behind: ${become}`, async (t) => {
    const script = `import { ${become} } from ${JSON.stringify(new URL('../../bridge/shared/unix-user.ts', import.meta.url).href)};
${become}({ uid: 65534, gid: 65534 }, ['no-such-group', '${NAMELESS}']);
process.stdout.write(JSON.stringify({ uid: process.geteuid(), gid: process.getegid(), groups: process.getgroups() }));`;
    const argv = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script];
    const { uid, gid, groups } = JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' }));
    t.same([uid, gid], [65534, 65534]);
    t.same(groups.toSorted(), [NAMELESS, 65534].toSorted());
  });
}
