/** All of the audit trail is proven once a day, in portions, beside whoever seals; what came of it is kept. */
import { pino } from 'pino';
import t from 'tap';
import { lastProof, openTrail } from '../../../bridge/sidecar/trail-upkeep.ts';
import { appendAudit, keepHead, sealKey } from '../../../bridge/store/trail/sealing.ts';
import { entry } from '../entry.ts';
import { freshFiles, openState } from '../fresh.ts';
import { asShell } from '../shell.ts';

const many = (count: number) => Array.from({ length: count }, (_, at) => entry(`a${at}`));

t.test('once a day, whatever is sealed meanwhile', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  const key = sealKey(files.sealKey);
  const clock = { time: '2026-11-28T02:00:00.000Z', now: () => clock.time, save: async () => {} };
  const trail = openTrail({
    state,
    files,
    clock,
    key,
    log: pino({ level: 'silent' }),
    existingSubmissions: async () => undefined,
  });
  await appendAudit(state, key, many(1000));
  await keepHead(files.sealKey, key, state);
  t.equal(await lastProof(state), undefined);
  let portions = 0;
  const beside = async () => {
    // The sidecar goes on sealing, between two portions.
    if (portions++ < 3) await appendAudit(state, key, many(100));
    return true;
  };
  await trail.prove(beside);
  t.ok(portions >= 4, `${portions} portions`);
  t.same(await lastProof(state), { at: clock.time, entries: 1300, broken: null });

  asShell(files.state, "DROP TRIGGER IF EXISTS audit_updating; UPDATE audit SET actor = 'nobody' WHERE id = 7");
  clock.time = '2026-11-28T20:00:00.000Z';
  await trail.prove(beside);
  t.match(await lastProof(state), { broken: null }, 'not again on the same day');
  clock.time = '2026-11-29T02:00:00.000Z';
  await trail.prove(beside);
  t.match(await lastProof(state), { at: clock.time, entries: null, broken: /broken at entry 7/ });
});
