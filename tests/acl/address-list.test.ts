/** How an address field is read, and in which form it leaves: one table, a reason a row. */
import t from 'tap';
import { readAddresses } from '../../acl/address-list.ts';
import { isPlain, isPlainButFolded, latin1, plainList, signedNames } from '../../acl/plain-form.ts';

const B = '<bob@x.test>';

/** What came, what leaves, why. */
const READ: readonly (readonly [string, string, string])[] = [
  [B, B, 'no name'],
  ['bob@x.test', 'bob@x.test', 'no brackets'],
  [`Dr Bob ${B}`, `Dr Bob ${B}`, 'words'],
  [`"Dr Bob" ${B}`, `"Dr Bob" ${B}`, 'a quoted string stays one'],
  [`"Dupont, Bob (CHU); 2: x" ${B}`, `"Dupont, Bob (CHU); 2: x" ${B}`, 'with marks in it too'],
  [`J. Dupont ${B}`, `"J. Dupont" ${B}`, 'a full stop wants quotes'],
  [`. ${B}`, `"." ${B}`, 'f6: a full stop alone, which Python and GMime cannot read'],
  [`"" ${B}`, B, 'an empty name'],
  [`" " ${B}`, B, 'a name of spaces'],
  [`Bob${B}`, `Bob ${B}`, 'no space'],
  [`O'Brien <o'brien@x.test>`, `O'Brien <o'brien@x.test>`, 'an apostrophe'],
  [`"Bob" Smith ${B}`, `Bob Smith ${B}`, 'a quoted string and words'],
  [
    `"Carol <carol()@evil.test> (" ${B}`,
    `=?utf-8?Q?Carol_=E2=80=B9carol=28=29=EF=BC=A0evil=2Etest=E2=80=BA_=28?= ${B}`,
    'f1',
  ],
  [`"\\B\\o\\b" ${B}`, `"Bob" ${B}`, 'quoted pairs that need not be'],
  [`"Bob \\"the boss\\" Smith" ${B}`, `=?utf-8?Q?Bob_=22the_boss=22_Smith?= ${B}`, 'quotes within quotes'],
  [`"CHU\\\\bob" ${B}`, `=?utf-8?Q?CHU=5Cbob?= ${B}`, 'a backslash'],
  [`"a\tb" ${B}`, `"a b" ${B}`, 'a tab'],
  [`Bob @ Acme ${B}`, `"Bob @ Acme" ${B}`, 'an at sign without quotes'],
  [`bob@x.test ${B}`, `"bob@x.test" ${B}`, 'people without a name'],
  [`bob@x.test (Bob)`, `"Bob" ${B}`, 'a comment for a name'],
  [`(Bob) bob@x.test`, `"Bob" ${B}`, 'before the address'],
  [`${B} (Bob)`, `"Bob" ${B}`, 'after the brackets'],
  [`Pete(A nice \\) chap) <pete(his account)@x.test(his host)>`, `Pete <pete@x.test>`, 'RFC 5322 A.5'],
  [`Pete (a (nested (one))) ${B}`, `Pete ${B}`, 'comments in comments'],
  [`(x) < bob @ x.test > (y)`, `x y ${B}`, 'spaces around everything'],
  ['"bob"@x.test', 'bob@x.test', 'a local part in quotes that needs none'],
  [`=?utf-8?Q?Andr=C3=A9?= Dupont ${B}`, `=?utf-8?Q?Andr=C3=A9?= Dupont ${B}`, 'an encoded word stays'],
  [`=?ISO-8859-1?B?QW5kcuk=?= ${B}`, `=?ISO-8859-1?B?QW5kcuk=?= ${B}`, 'of Latin-1 too'],
  [`=?utf-8?Q?Dupont=2C_Andr=C3=A9?= ${B}`, `=?utf-8?Q?Dupont=2C_Andr=C3=A9?= ${B}`, 'with a comma'],
  [`=?utf-8?Q?a?= =?utf-8?Q?b?= ${B}`, `=?utf-8?Q?a?= =?utf-8?Q?b?= ${B}`, 'several'],
  [`"=?utf-8?Q?Andr=C3=A9?=" ${B}`, `=?utf-8?Q?Andr=C3=A9?= ${B}`, 'in quotes: most decode it'],
  [`=?utf-8?Q?Andr=C3?= =?utf-8?Q?=A9?= ${B}`, `=?utf-8?Q?Andr=C3=A9?= ${B}`, 'a letter cut in two'],
  [`=?iso-8859-1?Q?l=92or?= ${B}`, `=?utf-8?Q?l=E2=80=99or?= ${B}`, 'windows-1252 that calls itself Latin-1'],
  [
    `=?iso-2022-jp?B?GyRCRnxLXBsoQg==?= ${B}`,
    `=?utf-8?Q?=E6=97=A5=E6=9C=AC?= ${B}`,
    'a charset that not every program knows',
  ],
  [`=?cp850?Q?B=94b?= ${B}`, B, 'one that we do not know either: no name'],
  [`=?utf-7?Q?carol+AEA-evil.test?= ${B}`, B, 'and that other programs may decode into anything'],
  [`=?utf-8?Q?=FF?= ${B}`, B, 'octets that are not of it'],
  [`=?utf-8?B?x?= ${B}`, B, 'base64 that is none'],
  [`=?utf-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?= ${B}`, B, 'encoded twice'],
  [`=?utf-8\u00a0?Q?ceo=40y.test?= ${B}`, B, 'one with a space in it that only some programs see'],
  [`a =?b?= ${B}`, `=?utf-8?Q?a_=3D=3Fb=3F=3D?= ${B}`, 'what only looks like an encoded word'],
  [`=?utf-8?Q?${'x'.repeat(80)}?= ${B}`, `${'x'.repeat(80)} ${B}`, 'a word that is too long'],
  [`Élodie Müller ${B}`, `=?utf-8?Q?=C3=89lodie_M=C3=BCller?= ${B}`, 'raw UTF-8 without SMTPUTF8'],
  [`"Élodie" ${B}`, `=?utf-8?Q?=C3=89lodie?= ${B}`, 'in quotes'],
  [`a${B},b ${B} , bob@x.test`, `a ${B}, b ${B}, bob@x.test`, 'several mailboxes'],
];

t.test('what leaves', async (t) => {
  for (const [came, leaves, why] of READ) {
    const list = readAddresses(latin1(came), false);
    const left = list.kind === 'mailboxes' ? plainList('from', list.mailboxes) : list.why;
    t.equal(left, leaves, `${why}: ${came}`);
    const again = readAddresses(latin1(left), false);
    t.equal(again.kind === 'mailboxes' && plainList('from', again.mailboxes), leaves, `${why}, read again`);
  }
  const name = `"Élodie 診療" Müller ${B}, "Élodie 診療" ${B}`;
  const list = readAddresses(latin1(name), true);
  const left = list.kind === 'mailboxes' && plainList('from', list.mailboxes);
  const old = readAddresses(`\u00c9lodie d\u0092Alen\u00e7on ${B}`, false);
  t.match(
    old,
    { mailboxes: [{ text: `=?utf-8?Q?=C3=89lodie_d=E2=80=99Alen=C3=A7on?= ${B}` }] },
    'raw Latin-1 of old programs',
  );
  t.equal(left, `Élodie 診療 Müller ${B}, "Élodie 診療" ${B}`, 'with SMTPUTF8 as it is');
});

/** What is refused, and with which words. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['', /^an address is missing$/],
  ['<>', /missing/],
  [`${B},`, /missing/],
  [`,${B}`, /missing/],
  ['bob', /not of the form/],
  ['Bob Smith', /no angle brackets/],
  ['bob@', /no angle brackets/],
  ['<bob@x.test', /do not match/],
  ['bob@x.test>', /do not match/],
  ['>bob@x.test<', /do not match/],
  [`${B} ${B}`, /follows/],
  [`${B} Bob`, /follows/],
  [`Bob <a ${B}`, /not of the form/],
  ['friends: <bob@x.test>;', /: stands in it without quotes, as in a group/],
  ['undisclosed-recipients:;', /group/],
  ['<@a.test,@b.test:bob@x.test>', /group/],
  ['<bob@[192.0.2.1]>', /^\[ stands in it/],
  [`Bob [CHU] ${B}`, /^\[ stands in it/],
  [`B\\ob ${B}`, /^\\ stands/],
  [`"Bob ${B}`, /a quote is not closed/],
  [`"Bob\\" ${B}`, /a quote is not closed/],
  [`Bob (x ${B}`, /a parenthesis is not closed/],
  [`Bob x) ${B}`, /^\) stands/],
  [`"ceo"@y.test ${B}`, /part of an address/],
  [`Bob"x" ${B}`, /part of an address/],
  ['"a b"@x.test', /not of the form/],
  ['"bob" <@x.test>', /not of the form/],
  ['<bob@x.test.>', /not of the form/],
  ['<bob@x..test>', /not of the form/],
  ['<.bob@x.test>', /not of the form/],
  ['<b..ob@x.test>', /not of the form/],
  ['<bob@x.te st>', /not of the form/],
  ['bob . x@x.test', /no angle brackets/],
  ['bob@x . test', /no angle brackets/],
  ['<bob+=?utf-8?q?carol=40y.test=3E?=@x.test>', /encoded word/],
  [`<${'b'.repeat(320)}@x.test>`, /an address is longer than 320 bytes/],
  [`"${'b'.repeat(700)}" ${B}`, /a name in it is longer than 600 bytes/],
  ['<élodie@x.test>', /need SMTPUTF8/],
  [`=?utf-8?Q?Bob=00=00?= ${B}`, /control characters/],
  [`=?utf-8?Q?Bob=0D=0ABcc=3A_x?= ${B}`, /control characters/],
  [`=?utf-8?Q?=E2=80=AEbob?= ${B}`, /control characters/],
  [`=?iso-8859-15?Q?a=85b?= ${B}`, /control characters/],
  [`Bob (=?utf-8?Q?=00?=) ${B}`, /control characters/],
  [`Bob\u202e ${B}`, /control characters/],
  [`Bob\u0007 ${B}`, /control characters/],
];

t.test('what is refused, and why', async (t) => {
  for (const [came, why] of REFUSED) {
    const list = readAddresses(latin1(came), false);
    t.match(list, { kind: 'ambiguous', why }, JSON.stringify(came));
  }
  t.match(readAddresses(`\u00e9 ${B}`, true), { kind: 'ambiguous', why: /not UTF-8/ });
  t.match(readAddresses(`\u0081 ${B}`, false), { kind: 'ambiguous', why: /control characters/ });
  t.match(readAddresses(`<b\u00e9@x.test>`, false), { kind: 'ambiguous', why: /need SMTPUTF8/ });
  t.match(readAddresses(latin1('<b\u200cob@x.test>'), true), { kind: 'ambiguous' }, 'an address with what nobody sees');
});

t.test('on a line where it fits, else folded between mailboxes', async (t) => {
  const all = Array.from({ length: 60 }, (_, index) => ({ text: `"Name ${index}" <bob${index}@x.test>` }));
  const text = plainList('resent-sender', all);
  const lines = `Resent-Sender: ${text}`.split('\r\n');
  t.ok(lines.length > 1);
  t.ok(lines.every((line) => line.length <= 998 && line.length > 300));
  t.same(
    text.replaceAll('\r\n', '').split(', '),
    all.map(({ text }) => text),
  );
  t.notMatch(plainList('from', all.slice(0, 30)), '\r\n');
});

const field = (raw: string) => ({ name: 'from', value: '', raw }) as const;

t.test('what is in its plain form already, and what is but for its folds', async (t) => {
  const list = `"Dr, Bob" ${B}, "x" ${B}`;
  for (const [raw, plain, folded] of [
    [`From: ${list}\r\n`, true, true],
    [`FROM:${list} \t\r\n`, true, true],
    [`From: "Dr, Bob" ${B},"x" ${B}\r\n`, false, true],
    [`From:\r\n "Dr, Bob"\r\n\t${B},\r\n  "x"  ${B}\r\n`, false, true],
    [`From: "Dr, Bob" ${B}, "x" ${B}\r\n \r\n`, false, false],
    [`From:${' '.repeat(2000)}"Dr, Bob" ${B}, "x" ${B}\r\n`, false, false],
    [`From: "Dr, Bob"\r\n \r\n ${B}, "x" ${B}\r\n`, false, false],
    [`From: "Dr,\r\n Bob" ${B}, "x" ${B}\r\n`, false, false],
    [`From: "Dr, Bob" (y) ${B}, "x" ${B}\r\n`, false, false],
  ] as const) {
    t.equal(isPlain(field(raw), list), plain, `plain: ${JSON.stringify(raw)}`);
    t.equal(isPlainButFolded(field(raw), list), folded, `folded: ${JSON.stringify(raw)}`);
  }
});

t.test('what a DKIM signature covers', async (t) => {
  const dkim = (value: string) => ({ name: 'dkim-signature', value, raw: `DKIM-Signature:${value}\r\n` });
  t.same([...signedNames([])], []);
  t.same([...signedNames([dkim(' v=1; b=x')])], ['from']);
  t.same([...signedNames([dkim(' v=1; h = To : From:\t Sender ; bh=h=Author;')])], ['from', 'to', 'sender']);
  t.same([...signedNames([dkim('h=to'), dkim('h=resent-from')])], ['from', 'to', 'resent-from']);
});
