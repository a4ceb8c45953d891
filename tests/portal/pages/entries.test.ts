/** What an entry of the trail says on a page: its action and its facts, in both languages. */
import t from 'tap';
import { ACCOUNTS, ASKED, EVENTS, OTHERS, OUTCOMES, STEPS } from '../../../.ci/manual/words/audit-actions.ts';
import type { HistoryEntry } from '../../../bridge/acting/history.ts';
import { NOTICES } from '../../../bridge/notify/templates.ts';
import { factsTold } from '../../../bridge/portal/pages/owner/entry-facts.ts';
import { EN } from '../../../bridge/portal/pages/words/en.ts';
import { FR } from '../../../bridge/portal/pages/words/fr.ts';

const ENTRY = {
  at: '2027-01-01T00:00:00.000Z',
  actor: 'mandat',
  onBehalf: null,
  via: null,
  action: 'send',
  mailbox: null,
  delegate: null,
  reason: null,
  sealed: true,
  claimed: false,
} as const;

t.test('every action of the trail has words, and every kind of notice', async (t) => {
  const actions = [ASKED, EVENTS, ACCOUNTS, OUTCOMES, STEPS, OTHERS].flatMap(Object.keys).sort();
  const notices = (key: 'kind' | 'part') => [...new Set(NOTICES.map((one): string => one[key]))].sort();
  for (const { codes } of [FR, EN]) {
    t.strictSame(Object.keys(codes.actions).sort(), actions);
    t.strictSame(Object.keys(codes.facts.about).sort(), notices('kind'));
    t.strictSame(Object.keys(codes.facts.told).sort(), notices('part'));
  }
});

t.test('what an entry of the trail says, to an owner and to an administrator', async (t) => {
  const entry = (detail: Readonly<Record<string, unknown>>): HistoryEntry => ({ ...ENTRY, detail });
  const reader = (words: typeof FR | typeof EN, language: string) => ({
    words,
    time: (instant: string) => `<${instant}>`,
    number: (value: number) => value.toLocaleString(language),
  });
  const sent = { verdict: 'pass', message_id: '<x@y>', bytes: 1234, recipients: 2, domains: ['patient.example'] };
  const rows = [
    [sent, '1,2 ko, 2 destinataires', '1.2 kB, 2 recipients'],
    [
      { by: 'owner:8', starts_at: 'S', ends_at: null, acknowledged: '1' },
      'à partir du <S>, responsabilité reconnue (texte 1)',
      'from <S>, responsibility acknowledged (text 1)',
    ],
    [{ suspended: 1 }, 'suspendue', 'suspended'],
    [
      { kind: 'revoke', part: 'other-delegate' },
      'suppression, aux autres délégataires',
      'removal, to the other delegates',
    ],
    [{ code: 'retry', message: 'a path of ours', login: 'x', recipients: 'many', toString: 'x' }, '', ''],
  ] as const;
  for (const [detail, french, english] of rows) {
    t.equal(factsTold(reader(FR, 'fr'), entry(detail), false), french);
    t.equal(factsTold(reader(EN, 'en'), entry(detail), false), english);
  }
  const looked = { ...entry({}), reason: 'directory look-up' };
  t.equal(factsTold(reader(FR, 'fr'), looked, false), 'd’après l’Annuaire santé');
  const typed = { ...entry({}), reason: 'départ en retraite' };
  t.equal(factsTold(reader(EN, 'en'), typed, false), 'départ en retraite', 'what somebody has typed stays theirs');
  t.equal(
    factsTold(reader(EN, 'en'), entry(sent), true),
    'verdict=pass, message_id=<x@y>, 1.2 kB, 2 recipients, domains=["patient.example"]',
    'an administrator is told the rest',
  );
});
