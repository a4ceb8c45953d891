/** Domains in their one form: the same answer from every version of Node. */
import t from 'tap';
import { asciiDomain, punycode } from '../../bridge/shared/domain-name.ts';

const DOMAINS: readonly (readonly [written: string, punycode: string])[] = [
  ['example.org', 'example.org'],
  ['EXAMPLE.org', 'example.org'],
  ['a_b.test', 'a_b.test'],
  ['bücher.de', 'xn--bcher-kva.de'],
  ['xn--bcher-kva.de', 'xn--bcher-kva.de'],
  ['XN--BCHER-KVA.de', 'xn--bcher-kva.de'],
  ['faß.de', 'xn--fa-hia.de'],
  ['xn--fa-hia.de', 'xn--fa-hia.de'],
  ['कॉम', 'xn--11b4c3d'],
  ['xn--a', ''],
  ['xn--zz.test', ''],
  ['mail.xn--a.b', ''],
  ['xn--', ''],
  ['xn--a-', ''],
  ['xn--example-.org', ''],
];

t.test('an xn-- label stands for something that is written so', async (t) => {
  for (const [written, expected] of DOMAINS) {
    t.equal(punycode(written), expected, written);
    t.equal(asciiDomain(written), expected === '' ? undefined : expected, written);
  }
});

t.test('a character that becomes several, of which not all may stand in a domain, makes none', async (t) => {
  for (const written of ['2026\u3227.test', '\u2474.test']) t.equal(asciiDomain(written), undefined, written);
  t.equal(asciiDomain('\u2460.test'), '1.test', 'a digit in a circle is a digit');
});
