/** What is known of owners is kept of the latest: it doesn't grow with how many there are. */
import t from 'tap';
import { type KnownOwner, ownersBy } from '../../bridge/imap/owner-facts.ts';

t.test('the latest thousands are known, others are asked for again', async (t) => {
  const asked: string[] = [];
  const one = { namespaces: { personal: [] }, proof: undefined } as unknown as KnownOwner;
  const owners = ownersBy(async (login) => {
    asked.push(login);
    return one;
  });
  for (let n = 0; n < 20_000; n++) owners.note(`o${n}`, one);
  await owners.of('o19999');
  await owners.of('o15001');
  t.same(asked, [], 'these are known');
  await owners.of('o1');
  await owners.of('o1');
  t.same(asked, ['o1'], 'one of long ago is asked once, and known then');
});
