/**
 * An access as a FHIR R4 AuditEvent (hl7.org/fhir/R4/auditevent.html): who did it, and on behalf of whom; two agents with `who` at most, as the ANS
 * profile wants it (domain rules of traces). Says nothing that the trace doesn't hold, and claims conformity with no profile. Pure.
 */
import type { Action } from './access.ts';
import type { KeptAccess } from './trace-reading.ts';

/** Our own words, for what no published code says. */
const ACTION_SYSTEM = 'urn:mandat:trace-action';

/** DICOM PS3.16, CID 400. */
const DCM = 'http://dicom.nema.org/resources/ontology/DCM';

/** AuditEvent.action: Create, Read, Update, Delete, Execute. */
const LETTERS: Readonly<Record<Action, 'C' | 'R' | 'U' | 'D' | 'E'>> = {
  login: 'E',
  open: 'R',
  read: 'R',
  headers: 'R',
  look: 'R',
  search: 'E',
  flag: 'U',
  'mark-deleted': 'U',
  'unmark-deleted': 'U',
  expunge: 'D',
  file: 'C',
  copy: 'C',
  move: 'U',
  'folder-create': 'C',
  'folder-rename': 'U',
  'folder-delete': 'D',
  subscribe: 'U',
  unsubscribe: 'U',
  rights: 'U',
  settings: 'U',
  other: 'E',
};

/** `identifiers`: the system of the site's identifiers (`urn:oid:1.2.250.1.71.4.2.1` of the IdNat_PS); undefined where they are logins. */
export function auditEventOf(access: KeptAccess, identifiers: string | undefined): object {
  const { id, seal, at, login, identifier, relation, via, mailbox, owner, folder, action, verb, answer, said } = access;
  const { messages, uidValidity, target, address, session } = access;
  const whoIs = (value: string) => ({
    identifier: identifiers === undefined || !/^\d+$/.test(value) ? { value } : { system: identifiers, value },
  });
  const actor = {
    who: whoIs(via ?? identifier ?? login),
    altId: login,
    requestor: true,
    role: [{ text: relation }],
    ...(address === '' ? {} : { network: { address, type: '2' } }),
  };
  const owners = { who: whoIs(owner), requestor: false, role: [{ text: 'on behalf of' }] };
  const to = target === null ? undefined : target.mailbox === 'own' ? '(their own mailbox)' : target.folder;
  const details = [
    ['verb', verb],
    ['session', session],
    ['delegation', access.delegation],
    [messages?.by === 'number' ? 'message-numbers' : 'uids', messages?.set],
    ['uidvalidity', uidValidity],
    ['to-mailbox', typeof target?.mailbox === 'object' ? target.mailbox.address : undefined],
    ['to-folder', to],
    ['to-uids', target?.set],
    ['seal', seal],
  ].flatMap(([type, value]) =>
    value === undefined || value === null || value === '' ? [] : [{ type, valueString: String(value) }],
  );
  return {
    resourceType: 'AuditEvent',
    id: String(id),
    type: {
      system: DCM,
      code: action === 'login' ? '110114' : '110110',
      display: action === 'login' ? 'User Authentication' : 'Patient Record',
    },
    subtype: [{ system: ACTION_SYSTEM, code: action }],
    action: LETTERS[action],
    recorded: new Date(at).toISOString(),
    outcome: answer === 'OK' ? '0' : answer === '' ? '8' : '4',
    ...(answer === 'OK' && said === null
      ? {}
      : { outcomeDesc: [answer, said].filter(Boolean).join(' ') || 'no answer' }),
    agent: relation === 'owner' ? [actor] : [actor, owners],
    source: { observer: { display: 'mandat' } },
    entity: [
      {
        what: { identifier: { value: mailbox } },
        type: {
          system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type',
          code: '2',
          display: 'System Object',
        },
        name: folder === null || folder.trim() === '' ? mailbox : `${mailbox} ${folder}`,
        detail: details,
      },
    ],
  };
}
