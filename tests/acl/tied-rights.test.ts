/** What LISTRIGHTS says is tied: never more is given than is meant. RFC 4314 section 3.7, RFC 2086. */
import fc from 'fast-check';
import t from 'tap';
import { rightsOn } from '../../acl/desired.ts';
import { asAnswered, canonical, covers } from '../../acl/rights.ts';
import { attainable, offerOf, UNTIED, written } from '../../acl/tied-rights.ts';

const ALL = canonical('lrswipkxte');

t.test('what a server offers', async (t) => {
  const rows = [
    [['', 'l', 'r', 's', 'w', 'i', 'p', 'k', 'x', 't', 'e', 'a'], 'rfc4314', [], 'each by itself'],
    [
      ['l', 'r', 's', 'w', 'ip', 'k', 'x', 'te', 'a', 'c', 'd'],
      'rfc4314',
      ['ip', 'te'],
      'with the virtual ones beside',
    ],
    [['', 'l', 'r', 's', 'w', 'i', 'p', 'kxc', 'ted', 'n', '0'], 'rfc4314', ['kx', 'te'], 'virtual ones within'],
    [['', 'a', 'c', 'd', 'i', 'l', 'p', 'r', 's', 'w'], 'rfc2086', ['xte'], 'Courier'],
    [['la', 'r', 'cd', 's', 'w', 'i', 'p'], 'rfc2086', ['kxte'], 'both at once'],
    [['lrswipkxte'], 'rfc4314', [], 'all of it has everybody anyway'],
    [[], 'rfc4314', [], 'nothing'],
  ] as const;
  for (const [groups, letters, ties, why] of rows) t.strictSame(offerOf(groups), { letters, ties }, why);
});

t.test('what can be given, and how it is written', async (t) => {
  const courier = offerOf(['', 'a', 'c', 'd', 'i', 'l', 'p', 'r', 's', 'w']);
  const special = (ties: readonly string[]) => rightsOn({ specialUse: true, ties }, ALL);
  const rows = [
    [written(ALL, UNTIED), 'lrswipkxte', 'as it is'],
    [written(ALL, courier), 'lrswipcd', 'the old letters'],
    [written(special(courier.ties), courier), 'lrswipc', 'whoever may expunge could delete the folder'],
    [special(['te']), 'lrswipkte', 'a tie within'],
    [special(['xt', 'te']), 'lrswipk', 'one tie pulls the next'],
    [special(['kx']), 'lrswipte', 'to make folders is tied to deleting this one'],
    [written(ALL, { letters: 'rfc4314', ties: ['xa'] }), 'lrswipkte', 'administering is never given'],
    [rightsOn({ specialUse: false }, ALL), 'lrswipkxte', 'without ties'],
  ] as const;
  for (const [found, wanted, why] of rows) t.equal(found, wanted, why);
});

t.test('the old letters, read', async (t) => {
  const rows = [
    ['acdilrsw', 'lrswikxtea'],
    ['diklprsw', 'lrswipkxte'],
    ['lrswipkxtecd', 'lrswipkxte'],
    ['lrtd', 'lrt'],
    ['lrkc', 'lrk'],
    ['lrxcd', 'lrx'],
    ['lr', 'lr'],
    ['', ''],
  ] as const;
  for (const [text, wanted] of rows) t.equal(asAnswered(text), canonical(wanted), text);
});

t.test('never more than is meant, and what is written is what is read', async () => {
  const letters = [...'lrswipkxte'];
  const ties = fc.array(fc.uniqueArray(fc.constantFrom(...letters, 'a'), { minLength: 2, maxLength: 4 }), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(
      fc.subarray(letters),
      ties,
      fc.constantFrom('rfc4314' as const, 'rfc2086' as const),
      (some, tied, form) => {
        const rights = canonical(some.join(''));
        const groups = tied.map((group) => group.join(''));
        const offer = { letters: form, ties: form === 'rfc2086' ? ['xte', ...groups] : groups };
        const given = attainable(rights, offer.ties);
        if (!covers(rights, given)) return false;
        if (
          offer.ties.some((group) => [...group].some((one) => given.includes(one)) && !covers(given, canonical(group)))
        )
          return false;
        return asAnswered(written(rights, offer)) === given;
      },
    ),
  );
});
