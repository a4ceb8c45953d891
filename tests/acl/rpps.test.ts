/** National identifiers: every row of the rules that they go by, and what holds for all input. */
import fc from 'fast-check';
import t from 'tap';
import { describeRppsWarning, type RppsFault, type RppsSettings, type RppsWarning, readRpps } from '../../acl/rpps.ts';

const LIVE: RppsSettings = { strict: false, allowTestIdentities: false };
const STRICT: RppsSettings = { ...LIVE, strict: true };
const TEST: RppsSettings = { ...LIVE, allowTestIdentities: true };

/** A number in use by its form: 10 digits and their key. */
const keyed = (ten: string) => {
  for (let key = 0; key < 10; key++) {
    const read = readRpps(`8${ten}${key}`, { strict: true, allowTestIdentities: true });
    if (read.ok) return `${ten}${key}`;
  }
  throw new Error('every number has a key');
};

t.test('accepted', (t) => {
  const rows: readonly (readonly [
    typed: string,
    settings: RppsSettings,
    identifier: string,
    warnings: readonly RppsWarning[],
    why: string,
  ])[] = [
    ['810101026994', LIVE, '810101026994', [], 'the canonical form'],
    ['810101026994', STRICT, '810101026994', [], 'its key is right'],
    ['10101026994', LIVE, '810101026994', ['RPPS_SHORT'], '11 digits, as the activation page shows it'],
    ['8 1010 1026 994', LIVE, '810101026994', [], 'spaces'],
    ['8.10101.026-994', LIVE, '810101026994', [], 'dots and a hyphen'],
    ['8\u00a010101\u202f026994', LIVE, '810101026994', [], 'no-break spaces, wide and narrow'],
    ['8\u201110101\u2013026994\n', LIVE, '810101026994', [], 'hyphens that look like one, and a line end'],
    ['\uff18\uff110101026994', LIVE, '810101026994', [], 'full-width digits'],
    ['809171209258', LIVE, '809171209258', ['RPPS_RANGE'], 'its key is right, whatever it starts with'],
    ['810001234567', LIVE, '810001234567', ['RPPS_KEY'], 'an invented one'],
    ['899700245667', TEST, '899700245667', ['RPPS_RANGE'], 'test kit'],
    ['899700366240', TEST, '899700366240', ['RPPS_RANGE'], 'test kit'],
    ['899700218896', TEST, '899700218896', ['RPPS_RANGE'], 'test kit'],
    ['99700075064', TEST, '899700075064', ['RPPS_SHORT', 'RPPS_RANGE'], 'test kit, short'],
    ['899700000005', { ...TEST, strict: true }, '899700000005', ['RPPS_RANGE'], 'synthetic, its key is right'],
  ];
  for (const [typed, settings, identifier, warnings, why] of rows) {
    t.same(readRpps(typed, settings), { ok: true, identifier, warnings }, `${typed}: ${why}`);
  }
  t.end();
});

t.test('refused', (t) => {
  const rows: readonly (readonly [typed: string, settings: RppsSettings, fault: RppsFault, why: RegExp])[] = [
    ['', LIVE, 'empty', /empty/],
    [' .-', LIVE, 'empty', /empty/],
    ['bob', LIVE, 'characters', /12 digits starting with 8/],
    ['81010102699x', LIVE, 'characters', /12 digits/],
    ['8\u0661\u0660101026994', LIVE, 'characters', /12 digits/],
    ['810101026994@x.fr', LIVE, 'characters', /12 digits/],
    ['8101010269941', LIVE, 'length', /13 digits/],
    ['81010', LIVE, 'length', /5 digits/],
    ['1010102699', LIVE, 'length', /10 digits/],
    ['751012345', LIVE, 'adeli', /ADELI.*portail-rpps-plus/],
    ['0751012345', LIVE, 'adeli', /ADELI/],
    ['007510123456', LIVE, 'other-type', /identifier of ADELI.*portail-rpps-plus/],
    ['3750000001/0000000042', LIVE, 'other-type', /FINESS and an internal/],
    ['410000000001/CPE', LIVE, 'other-type', /SIREN/],
    ['512345678900011/1', LIVE, 'other-type', /SIRET/],
    ['110101026994', LIVE, 'other-type', /ADELI and an internal/],
    ['210101026994', LIVE, 'other-type', /DRASS/],
    ['610101026994', LIVE, 'other-type', /practice/],
    ['910101026994', LIVE, 'other-type', /student/],
    ['809171209251', STRICT, 'key', /mistyped/],
    ['809171209251', LIVE, 'mistyped', /mistyped/], // the guide's own example: an invented one
    ['80101026994', LIVE, 'mistyped', /mistyped/], // 11 digits of 12: one left out
    ['01010269949', LIVE, 'mistyped', /mistyped/],
    ['10001234567', STRICT, 'key', /mistyped/],
    ['899700245667', LIVE, 'test', /test kit/],
    ['99700245667', STRICT, 'test', /test kit/],
  ];
  for (const [typed, settings, fault, why] of rows) {
    const read = readRpps(typed, settings);
    t.match(read, { ok: false, fault }, typed);
    if (!read.ok) t.match(read.why, why);
  }
  t.end();
});

t.test('whatever is accepted has one canonical form, however it is written', (t) => {
  const settings = fc.record({ strict: fc.boolean(), allowTestIdentities: fc.boolean() });
  const noise = fc.array(fc.constantFrom(' ', '\u00a0', '\u202f', '.', '-', '\u2011', '\t'), { maxLength: 3 });
  const digits = fc.stringMatching(/^\d{11}$/);
  const spaced = (text: string, gaps: readonly (readonly string[])[]) =>
    [...text].map((one, at) => `${(gaps[at] ?? []).join('')}${one}`).join('');
  fc.assert(
    fc.property(fc.string(), settings, (typed, how) => {
      const read = readRpps(typed, how);
      if (!read.ok) return read.why !== '';
      const again = readRpps(read.identifier, how);
      return /^8\d{11}$/.test(read.identifier) && again.ok && again.identifier === read.identifier;
    }),
  );
  fc.assert(
    fc.property(digits, fc.array(noise, { maxLength: 12 }), settings, (number, gaps, how) => {
      const forms = [number, `8${number}`, spaced(number, gaps), spaced(`8${number}`, gaps)].map((one) =>
        readRpps(one, how),
      );
      const identifiers = new Set(forms.map((read) => (read.ok ? read.identifier : undefined)));
      return identifiers.size === 1;
    }),
  );
  t.end();
});

t.test('the key is that of the 11 digits', (t) => {
  for (const ten of ['1010102699', '1000000000', '1999999999']) {
    const number = keyed(ten);
    t.match(readRpps(`8${number}`, STRICT), { ok: true, warnings: [] });
    const wrong = `${number.slice(0, 10)}${(Number(number[10]) + 1) % 10}`;
    t.match(readRpps(`8${wrong}`, STRICT), { ok: false, fault: 'key' });
  }
  fc.assert(
    fc.property(fc.stringMatching(/^1\d{9}$/), fc.nat(9), fc.nat(9), (ten, place, other) => {
      const number = keyed(ten);
      const digit = String(other);
      const typo = `${number.slice(0, place)}${digit}${number.slice(place + 1)}`;
      const read = readRpps(typo, STRICT);
      return typo === number ? read.ok : !read.ok; // one wrong digit never passes
    }),
  );
  t.end();
});

t.test('every warning has its sentence', (t) => {
  for (const warning of ['RPPS_SHORT', 'RPPS_KEY', 'RPPS_RANGE'] as const) t.match(describeRppsWarning(warning), /\S/);
  t.end();
});
