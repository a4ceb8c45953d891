/** The words of every notice, and that nothing in a name can become anything but a name. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ReasonClass } from '../../acl/notice-events.ts';
import { letter } from '../../bridge/notify/letter.ts';
import { NOTICES, openTemplates, shippedTemplates } from '../../bridge/notify/templates.ts';
import type { NoticeKind, StoredNotice } from '../../bridge/store/state/outbox.ts';
import { astray } from '../portal/french-blanks.ts';
import { DATA, SETTINGS, stored } from './stored.ts';

const shipped = openTemplates(undefined);
const write = (more: Partial<StoredNotice>, templates = shipped) =>
  letter(stored(more), templates, SETTINGS, 'Europe/Paris');

const REASONS: Readonly<Partial<Record<NoticeKind, readonly (ReasonClass | 'end' | null)[]>>> = {
  grant: [
    null,
    'account',
    'start',
    'credential',
    'terms',
    'identity',
    'owner-identity',
    'suspended',
    'mailbox',
    'setup',
  ],
  suspend: ['identity', 'owner-identity', 'credential', 'terms', 'account', 'suspended', 'mailbox', 'setup'],
  resume: ['suspended', 'account', 'start'],
  ending: ['end', 'credential'],
};

/** Tags that were opened and not closed, or the other way round. */
function unbalanced(html: string): readonly string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, end, name = ''] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/g)) {
    if (['meta', 'br'].includes(name)) continue;
    if (end === '') open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}

t.test('every notice, in both languages, for every reason', async (t) => {
  for (const { kind, part, language } of NOTICES) {
    for (const why of REASONS[kind] ?? [null]) {
      const data = {
        ...DATA,
        why,
        startsAt: why === 'start' ? '2027-01-01T08:00:00.000Z' : null,
        code: '123456',
        minutes: '60',
      };
      const { subject, text, html } = write({ kind, part, language, data });
      const name = `${language} ${kind} ${part} ${why}`;
      t.notMatch(`${subject}${text}${html}`, /\{\{|\}\}|undefined|null|\[object/, name);
      t.match(subject, /^\S.*\S$/, name);
      if (language === 'fr')
        for (const said of [subject, text, html.replace(/<[^>]*>/g, '')])
          t.strictSame(astray(said.replace(/&[#\w]+;/g, '')), [], name);
      t.same(unbalanced(html), [], name);
      t.notMatch(text, /\n{3}|[:(] *[.)]| {2}\./, `${name}: nothing is missing in a sentence`);
      for (const body of [text, html]) {
        t.match(body, part === 'other-delegate' || kind !== 'code' ? /\S/ : /123456/, name);
        t.ok(body.includes(part === 'account' ? 'Bob Martin' : DATA.mailbox), name);
        if (why !== null && part !== 'other-delegate' && kind !== 'resume' && kind !== 'ending') {
          const without = write({ kind, part, language, data: { ...data, why: null } });
          t.not(body, body === text ? without.text : without.html, `${name}: the reason is told`);
        }
      }
      t.ok(text.includes(SETTINGS.helpUrl) && text.includes(SETTINGS.newsUrl), `${name}: R58`);
      t.match(html, /href="https:&#x2F;&#x2F;mail\.example\.org&#x2F;aide\?page&#x3D;1&amp;lang&#x3D;fr"/, name);
      t.equal(/lang="(..)"/.exec(html)?.[1], language, name);
    }
  }
});

t.test('both languages have the same files', async (t) => {
  t.same(readdirSync(join(shippedTemplates(), 'fr')).sort(), readdirSync(join(shippedTemplates(), 'en')).sort());
});

t.test('the words that must be there', async (t) => {
  const to = (kind: NoticeKind, part: StoredNotice['part'], more: object = {}, language: 'fr' | 'en' = 'fr') =>
    write({ kind, part, language, data: { ...DATA, ...more } });
  const owner = to('grant', 'owner');
  t.equal(owner.subject, `Délégation ajoutée sur la BAL ${DATA.mailbox}`);
  for (const words of [
    `le 25 novembre 2026 à 04:05 (UTC+1) pour Bob Martin (Infirmier, RPPS ${DATA.identifier})`,
    'peut lire, classer, supprimer et envoyer des messages de votre part',
    'Vous êtes responsable des accès ouverts par délégation', // R23
    'secret professionnel',
    "Si vous n'êtes pas à l'origine de cet ajout",
    'un administrateur (root)',
    '31 décembre 2026 à 23:59',
  ]) {
    t.ok(owner.text.includes(words), words);
  }
  t.match(to('grant', 'delegate').text, /Pro Santé Connect/);
  t.match(to('grant', 'delegate').text, /vous ne pouvez pas y mettre fin vous-même/);
  t.match(to('grant', 'delegate', { why: 'account' }).text, /Activez d'abord votre compte/); // R40
  t.notMatch(to('grant', 'delegate', { identifier: 'bob' }).text, /Pro Santé Connect|RPPS/);
  t.match(to('revoke', 'delegate').text, /L'accès en délégation à la BAL \S+ a pris fin le 25 novembre 2026/);
  t.match(to('suspend', 'owner', { why: 'credential' }).text, /Motif\u00a0: e-CPS du délégataire non valide\./);
  t.match(to('grant', 'owner', {}, 'en').text, /can now read, file, delete and send mail on behalf of/);
  t.match(to('revoke', 'delegate', {}, 'en').text, /Delegated access to \S+ ended on 25 November 2026 at 04:05/);
  t.match(to('grant', 'other-delegate').text, /Bob Martin/);
  t.notMatch(to('grant', 'other-delegate', { full: false }).text, /Bob|Martin|8997/, 'in short, who stays unnamed');
});

const HOSTILE: readonly (readonly [name: string, shown: string, why: string])[] = [
  ['<script>alert(1)</script>', '<script>alert(1)</script>', 'markup'],
  [`"O'Neil" & Söhne`, `"O'Neil" & Söhne`, 'quotes'],
  ['Bob\r\nBcc: all@example.org\r\n\r\nHi', 'Bob Bcc: all@example.org Hi', 'CRLF'],
  ['Bob\u2028Martin\u0085x\u0000y\u001b[31m', 'Bob Martin x y [31m', 'other breaks and controls'],
  ['\u202enitraM\u2066\u200f\u061c', 'nitraM', 'right-to-left'],
  ['{{helpUrl}}{{{code}}}', '{{helpUrl}}{{{code}}}', 'a template'],
  ['Zoë ﬁ 李 \ud800', 'Zoë ﬁ 李 \ufffd', 'half a character'],
  ['x'.repeat(10_000), `${'x'.repeat(119)}…`, 'ten thousand characters'],
];

t.test('names are names, whatever stands in them', async (t) => {
  const escaped = (text: string) =>
    text.replace(
      /[&<>"'`=/]/g,
      (one) =>
        `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": '#39', '`': '#x60', '=': '#x3D', '/': '#x2F' }[one]};`,
    );
  for (const [lastName, shown, why] of HOSTILE) {
    for (const field of ['lastName', 'firstName', 'profession', 'by']) {
      const data = { ...DATA, [field]: field === 'by' ? `admin:${lastName}` : lastName };
      const { subject, text, html } = write({ data });
      t.equal(subject, `Délégation ajoutée sur la BAL ${DATA.mailbox}`, why);
      t.notMatch(`${text}${html}`.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u, why);
      if (field === 'by') continue;
      t.ok(text.includes(shown), `${why}: ${field}`);
      t.ok(html.includes(escaped(shown)), `${why}: ${field}`);
      t.notMatch(html, /<script/);
      t.equal(text.split('\n').length, write({}).text.split('\n').length, `${why}: no line more`);
    }
  }
});

t.test('a hostile mailbox address stays within the subject', async (t) => {
  const mailbox = 'a\r\nBcc: b@example.org\u202e@example.org';
  t.equal(
    write({ data: { ...DATA, mailbox } }).subject,
    'Délégation ajoutée sur la BAL a Bcc: b@example.org@example.org',
  );
});

t.test('what is no address is not sent to', async (t) => {
  for (const recipient of [
    'a@b.org, c@d.org',
    'a@b.org\r\nBcc: c@d.org',
    '<a@b.org>',
    'nobody',
    'a b@c.org',
    '"a"@b.org',
    null,
  ]) {
    t.throws(() => write({ recipient }), { code: 'refused', message: /address/ }, String(recipient));
  }
});

t.test("a site's own templates", async (t) => {
  const own = t.testdir({
    fr: {
      'grant-owner.txt': '\ufeffSubject: {{mailbox}}, autrement\r\n\r\nBonjour {{person}}\r\n{{> foot}}\r\n',
      'grant-delegate.txt': 'Pas de sujet\n',
      'revoke-owner.html': '<p>{{{person}}}</p>',
      'revoke-delegate.html': '<p>{{#why}}{{&person}}{{/why}}</p>',
      'suspend-owner.txt': 'Subject: x\n\n{{#why}}',
      'suspend-delegate.txt': 'Subject: x\n\n{{> nothing}}',
      'resume-owner.txt': 'Subject: Bonne nouvelle !\n\nEnfin : {{person}} !',
      'resume-owner.html': '<style>p { color : red ; }</style><p title="a : b">Enfin : {{person}} !</p>',
    },
  });
  const templates = openTemplates(own);
  const mine = write({}, templates);
  t.equal(mine.subject, `${DATA.mailbox}, autrement`);
  t.match(mine.text, /^Bonjour Bob Martin \(Infirmier, RPPS 899700245667\)\n/);
  t.match(mine.html, /<h1 [^>]*>kit\.doc0073655@pro\.formation\.mssante\.fr, autrement</, 'the rest is ours');
  const resumed = write({ kind: 'resume', data: { ...DATA, lastName: 'Martin : fils' } }, templates);
  t.equal(resumed.subject, 'Bonne nouvelle\u00a0!', 'French blanks are set for them');
  t.equal(resumed.text, 'Enfin\u00a0: Bob Martin : fils (Infirmier, RPPS 899700245667)\u00a0!\n', 'not in a name');
  t.match(resumed.html, '<style>p { color : red ; }</style><p title="a : b">Enfin\u00a0: Bob', 'nor in markup');
  t.same(write({ language: 'en' }, templates), write({ language: 'en' }), 'the other language too');
  for (const [kind, part, message] of [
    ['grant', 'delegate', /grant-delegate\.txt can't be used: its first line/],
    ['revoke', 'owner', /revoke-owner\.html can't be used: .*always escaped/],
    ['revoke', 'delegate', /revoke-delegate\.html can't be used: .*always escaped/],
    ['suspend', 'owner', /suspend-owner\.txt can't be used: /],
    ['suspend', 'delegate', /suspend-delegate\.txt can't be used: it asks for nothing/],
  ] as const) {
    t.throws(() => write({ kind, part }, templates), { code: 'config', message }, `${kind} ${part}`);
  }
  t.throws(() => openTemplates(`${own}/nowhere`), { code: 'config', message: /nowhere/ });
});
