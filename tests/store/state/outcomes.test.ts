import t from 'tap';
import { Failure, type FailureCode } from '../../../bridge/shared/failure.ts';
import {
  listOutcomes,
  type Notice,
  outcomeOf,
  recordFailure,
  recordInForce,
  recordVerified,
} from '../../../bridge/store/state/outcomes.ts';
import { freshState } from '../fresh.ts';

const NOW = '2026-11-23T08:00:00.000Z';
const LATER = '2026-11-23T09:00:00.000Z';
const alice = (version: number) => ({ mailboxId: 1, address: 'alice@example.org', version });
const NOTICE: Notice = { code: 'blocked-by-foreign-entry', login: 'bob', message: '-anyone keeps bob out' };

t.test('nothing is known of a mailbox that was never worked on', async (t) => {
  const state = await freshState(t);
  t.equal(await outcomeOf(state, 1), undefined);
  t.same(await listOutcomes(state), []);
});

t.test('in force, then verified: two versions with their times', async (t) => {
  const state = await freshState(t);
  await recordInForce(state, alice(5), NOW);
  t.match(await outcomeOf(state, 1), {
    address: 'alice@example.org',
    inForceVersion: 5,
    inForceAt: NOW,
    verifiedVersion: 0,
    verifiedAt: null,
    failure: undefined,
    notices: [],
  });
  await recordVerified(state, alice(5), [NOTICE], LATER);
  await recordInForce(state, alice(8), LATER);
  t.match(
    await outcomeOf(state, 1),
    { inForceVersion: 8, inForceAt: LATER, verifiedVersion: 5, verifiedAt: LATER, notices: [NOTICE] },
    'a newer change is in force and not yet verified',
  );
});

t.test('a failure keeps what was reached before, and ends with the next success', async (t) => {
  const state = await freshState(t);
  await recordVerified(state, alice(5), [], NOW);
  const retry = { attempts: 1, at: LATER };
  await recordFailure(state, alice(6), new Failure('retry', 'no answer', 'start Dovecot'), retry, NOW);
  t.match(await outcomeOf(state, 1), {
    verifiedVersion: 5,
    failure: {
      code: 'retry',
      message: 'no answer',
      hint: 'start Dovecot',
      version: 6,
      attempts: 1,
      at: NOW,
      retryAt: LATER,
    },
  });
  await recordFailure(state, alice(6), new Failure('config', 'refused'), { attempts: 2, at: null }, LATER);
  const second = await outcomeOf(state, 1);
  t.match(second?.failure, { code: 'config', message: 'refused', hint: '', attempts: 2, at: LATER });
  t.equal(second?.failure?.retryAt, null, 'nothing of the first is left');
  await recordInForce(state, alice(6), LATER);
  t.equal((await outcomeOf(state, 1))?.failure?.attempts, 2, 'the first phase alone ends nothing');
  await recordVerified(state, alice(6), [], LATER);
  const outcome = await outcomeOf(state, 1);
  t.equal(outcome?.failure, undefined, 'all is well');
  t.equal(outcome?.verifiedVersion, 6);
});

t.test('every code comes out as it went in', async (t) => {
  const state = await freshState(t);
  const codes: readonly FailureCode[] = ['retry', 'refused', 'absent', 'config', 'unsafe', 'internal'];
  for (const code of codes) {
    await recordFailure(state, alice(1), new Failure(code, 'x'), { attempts: 1, at: null }, NOW);
    t.equal((await outcomeOf(state, 1))?.failure?.code, code);
  }
});

t.test('notices are those of the last verification', async (t) => {
  const state = await freshState(t);
  await recordVerified(state, alice(1), [NOTICE], NOW);
  t.same((await outcomeOf(state, 1))?.notices, [NOTICE]);
  await recordVerified(state, alice(2), [], LATER);
  t.same((await outcomeOf(state, 1))?.notices, [], 'what is no longer so is not said any more');
});

t.test('one outcome a mailbox, listed by its present address', async (t) => {
  const state = await freshState(t);
  await recordInForce(state, { mailboxId: 2, address: 'a@example.org', version: 1 }, NOW);
  await recordInForce(state, { mailboxId: 1, address: 'b@example.org', version: 1 }, NOW);
  await recordInForce(state, { mailboxId: 2, address: 'z@example.org', version: 2 }, NOW);
  t.same(
    (await listOutcomes(state)).map(({ mailboxId, address }) => [mailboxId, address]),
    [
      [1, 'b@example.org'],
      [2, 'z@example.org'],
    ],
  );
});
