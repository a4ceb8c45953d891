/** Accesses as FHIR R4 AuditEvents, held against the resource's structure: cardinalities, codes, and that no element is empty or unknown. */
import t from 'tap';
import * as z from 'zod';
import { ACTIONS, RELATIONS } from '../../bridge/trace/access.ts';
import { auditEventOf } from '../../bridge/trace/audit-event.ts';
import { madeAccess } from './made-access.ts';

const text = z
  .string()
  .min(1)
  .refine((value) => value.trim() !== '');
const identifier = z.strictObject({ system: text.optional(), value: text });
const coding = z.strictObject({ system: text, code: z.string().regex(/^\S+( \S+)*$/), display: text.optional() });

/** hl7.org/fhir/R4/auditevent.html, of what we use. sev-1: an entity has a name or a query. */
const AUDIT_EVENT = z.strictObject({
  resourceType: z.literal('AuditEvent'),
  id: z.string().regex(/^[A-Za-z0-9.-]{1,64}$/),
  type: coding,
  subtype: z.array(coding).min(1),
  action: z.enum(['C', 'R', 'U', 'D', 'E']),
  recorded: z.iso.datetime(),
  outcome: z.enum(['0', '4', '8', '12']),
  outcomeDesc: text.optional(),
  agent: z
    .array(
      z.strictObject({
        who: z.strictObject({ identifier }),
        altId: text.optional(),
        requestor: z.boolean(),
        role: z.array(z.strictObject({ text })).min(1),
        network: z.strictObject({ address: text, type: z.enum(['1', '2', '3', '4', '5']) }).optional(),
      }),
    )
    .min(1)
    .max(2),
  source: z.strictObject({ observer: z.strictObject({ display: text }) }),
  entity: z.array(
    z.strictObject({
      what: z.strictObject({ identifier }),
      type: coding,
      name: text,
      detail: z.array(z.strictObject({ type: text, valueString: text })).min(1),
    }),
  ),
});

t.test('each kind of access is an AuditEvent', async (t) => {
  for (const action of ACTIONS) {
    for (const relation of RELATIONS) {
      for (const more of [
        {},
        { answer: 'NO', said: null },
        { answer: '', said: null },
        { folder: ' ', messages: null, address: '', session: '' },
      ]) {
        const access = { ...madeAccess(6, 1_780_000_000_000), id: 7, seal: 'ab', action, relation, ...more };
        const made = auditEventOf(access, 'urn:oid:1.2.250.1.71.4.2.1');
        const read = AUDIT_EVENT.safeParse(made);
        if (!read.success) t.fail(`${action} ${relation}: ${read.error.message}`);
        if (!read.success) continue;
        if (read.data.agent.filter(({ requestor }) => requestor).length !== 1) t.fail('one requestor');
        if ((read.data.agent.length === 1) !== (relation === 'owner'))
          t.fail('on behalf of the owner, where it is somebody else');
      }
    }
  }
  t.match(auditEventOf({ ...madeAccess(1, 0), id: 1, seal: 'ab', folder: null }, undefined), {
    entity: [{ name: 'owner0@lab.test' }],
  });
});
