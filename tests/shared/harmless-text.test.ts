/** What comes from outside, as it is shown: nothing that a terminal obeys, that breaks a line or turns the direction of the text around. */
import t from 'tap';
import { escapedJson, escapedText, oneLine, shownText } from '../../bridge/shared/harmless-text.ts';

const OBEYED = ['\x1b', '\x07', '\x9b', '\r', '\u2028', '\u202e', '\u2066', '\u200b', '\ufeff', '\u{e0041}'];
const named = (one: string) => `U+${one.codePointAt(0)?.toString(16)}`;

t.test('in one line', async (t) => {
  for (const one of [...OBEYED, '\n']) t.equal(oneLine(`a${one}b`), 'a\ufffdb', named(one));
  t.equal(oneLine('Été, क्‍ष, 👩‍⚕️'), 'Été, क्‍ष, 👩‍⚕️', 'joiners stay');
});

t.test('a text of several lines keeps its line ends, and nothing else of it', async (t) => {
  for (const one of OBEYED) t.equal(shownText(`a\n${one}b`), 'a\n\ufffdb', named(one));
});

t.test('in escapes nothing is lost', async (t) => {
  for (const one of OBEYED) {
    const json = escapedJson(JSON.stringify({ one }));
    t.equal(oneLine(json), json, `${named(one)}: harmless`);
    t.same(JSON.parse(json), { one }, 'and the same document');
    t.equal(oneLine(escapedText(`a${one}b`)), escapedText(`a${one}b`));
  }
  t.equal(escapedText('a\nb'), 'a\\u000ab');
});
