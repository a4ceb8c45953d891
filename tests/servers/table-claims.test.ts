/** Grants and revokes get into the trail from the rows, on the running product: no deleted event hides one, no forged one makes one. */
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { must } from '../cli/desk.ts';
import { asMandat } from '../store/shell.ts';
import { at, startSite } from './site.ts';

interface Entry {
  readonly action: string;
  readonly actor: string;
  readonly delegate: string | null;
  readonly claimed: string | null;
  readonly sealed: boolean;
}

t.test('a program that writes the table writes its events too', async (t) => {
  const site = await startSite({ users: ['alice', 'bob', 'carol'], postfix: false });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob', 'carol');
  await site.run();
  await must(site.mandat('grant', at('alice'), at('bob')));
  const trail = async () =>
    JSON.parse((await site.mandat('--json', 'audit', '--mailbox', at('alice'))).stdout) as Entry[];
  const found = async (what: Partial<Entry>) =>
    (await trail()).some((one) => Object.entries(what).every(([name, value]) => one[name as keyof Entry] === value));
  const until = (what: Partial<Entry>) => waitFor(JSON.stringify(what), 15_000, () => found(what));
  await until({ action: 'grant', delegate: at('bob'), claimed: null, sealed: true });

  await site.sql(
    `${asMandat(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('carol')}'); DELETE FROM events WHERE action = 'grant'`)}`,
  );
  await until({ action: 'grant', delegate: at('carol'), actor: 'unknown', claimed: null });
  await site.sql(
    asMandat(
      `INSERT INTO events (at, actor, action, mailbox, delegate) VALUES ('2026-01-02T00:00:00.000Z', 'owner:${at('alice')}', 'revoke', '${at('alice')}', '${at('bob')}')`,
    ),
  );
  await until({ action: 'revoke', actor: `owner:${at('alice')}`, claimed: 'event', sealed: true });
  const shown = await site.mandat('audit');
  t.match(shown.stdout, /owner:alice@lab\.test \(claimed\)/);
  t.match(shown.stdout, /unknown .*grant .*carol@lab\.test +seen by the sidecar, by whom is not known/);
  t.match((await site.mandat('history', at('alice'))).stdout, /\(claimed\)/);
  const later = await must(site.mandat('who', at('alice'), '--at', '2999-01-01'));
  t.match(later.stdout, /bob@lab\.test/, 'a revoke that never was takes nothing from what is told');
  t.match(later.stdout, /carol@lab\.test/);
  await must(site.mandat('audit', 'verify'));

  await site.sql(
    asMandat(`DELETE FROM delegation WHERE delegate = '${at('carol')}'; DELETE FROM events WHERE action = 'revoke'`),
  );
  await until({ action: 'revoke', delegate: at('carol'), actor: 'unknown' });
});
