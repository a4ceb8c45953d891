import fc from 'fast-check';
import t from 'tap';
import { canonical, covers, LETTERS, missing, NONE, type Rights, without } from '../../acl/rights.ts';
import { someRights, writtenRights } from './rights-samples.ts';

t.test('canonical', async (t) => {
  /** written, canonical, why */
  const rows = [
    ['lrswipkxte', 'lrswipkxte', 'already canonical'],
    ['etxkpiwsrl', 'lrswipkxte', 'any order'],
    ['lrswipkxtecd', 'lrswipkxte', 'Dovecot adds c and d (RFC 4314 section 2.1.1)'],
    ['lrswipcda', 'lrswipa', 'c and d stand for nothing by themselves, even alone'],
    ['cd', '', 'nothing but virtual rights'],
    ['lrlrlr', 'lr', 'a letter twice is one right'],
    ['nrl', 'lrn', 'Cyrus has n for annotations, and what others have given is put back'],
    ['l9r0', 'lr09', 'digits are rights of the site'],
    ['lrz', 'lr', 'no right at all'],
    ['LR', '', 'rights are lower case'],
    ['l r', 'lr', 'a space is no right'],
    ['', '', 'no right at all'],
  ] as const;
  for (const [written, expected, why] of rows) t.equal(canonical(written), expected, why);
});

t.test('canonical: two spellings of one set are one string', async () => {
  fc.assert(
    fc.property(writtenRights, (written) => {
      const once = canonical(written);
      return (
        canonical(once) === once &&
        canonical([...written].reverse().join('')) === once &&
        canonical(`${written}${written}cd`) === once
      );
    }),
  );
});

t.test('canonical: keeps exactly the letters of the RFC that were there, in order', async () => {
  fc.assert(
    fc.property(writtenRights, (written) => {
      const order = LETTERS.join('');
      const places = [...canonical(written)].map((letter) => order.indexOf(letter));
      const rising = places.every((place, index) => place >= 0 && (index === 0 || place > (places[index - 1] ?? -1)));
      return rising && LETTERS.every((letter) => canonical(written).includes(letter) === written.includes(letter));
    }),
  );
});

t.test('without takes letters away and nothing else', async (t) => {
  t.equal(without(canonical('lrswipkxte'), 'x'), 'lrswipkte', 'no x on a special-use folder');
  t.equal(without(canonical('lr'), 'x'), 'lr', 'what is not there cannot go');
  t.equal(without(NONE, 'lr'), '', 'nothing to take');
  fc.assert(
    fc.property(someRights, someRights, (rights, letters) => {
      const rest = without(rights, letters);
      return (
        canonical(rest) === rest &&
        covers(rights, rest) &&
        [...letters].every((letter) => !rest.includes(letter)) &&
        canonical(rest + [...rights].filter((letter) => letters.includes(letter)).join('')) === rights
      );
    }),
  );
});

t.test('covers is the order of sets', async (t) => {
  t.ok(covers(canonical('lrs'), canonical('lr')), 'more than asked');
  t.notOk(covers(canonical('lr'), canonical('lrs')), 'less than asked');
  t.ok(covers(NONE, NONE), 'nothing is covered by nothing');
  fc.assert(
    fc.property(someRights, someRights, someRights, (a, b, c) => {
      const both = covers(a, b) && covers(b, a);
      return (
        covers(a, a) &&
        covers(a, NONE) &&
        both === (a === b) && // equal sets are equal strings
        !(covers(a, b) && covers(b, c) && !covers(a, c))
      );
    }),
  );
});

t.test('missing is empty exactly when all is covered, and what it names completes it', async () => {
  fc.assert(
    fc.property(someRights, someRights, (wanted, given) => {
      const lacking: Rights = missing(wanted, given);
      return (lacking === NONE) === covers(given, wanted) && covers(canonical(given + lacking), wanted);
    }),
  );
});
