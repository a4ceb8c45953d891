/**
 * What comes from outside, a server's words, a name in a table, a file's line, before it is shown: nothing in it that a terminal obeys,
 * that breaks a line, turns the direction of the text around, or can't be seen. Joiners stay, which some scripts and emoji need.
 */
const OBEYED =
  '\\p{Cc}\\p{Zl}\\p{Zp}\\p{Bidi_Control}\\u00ad\\u180e\\u200b\\u2060-\\u2064\\u206a-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}';
const ANY = new RegExp(`[${OBEYED}]`, 'gu');
const ANY_BUT_LINE_END = new RegExp(`(?!\\n)[${OBEYED}]`, 'gu');

/** In one line, each such character as U+FFFD. */
export function oneLine(text: string): string {
  return text.replace(ANY, '\ufffd');
}

/** The same, but for line ends: a text of ours, whose parts may be others'. */
export function shownText(text: string): string {
  return text.replace(ANY_BUT_LINE_END, '\ufffd');
}

/** A JSON document with each of them as \uXXXX: the same document, and nothing of it is lost. Its own line ends stay. */
export function escapedJson(json: string): string {
  return json.replace(ANY_BUT_LINE_END, inEscapes);
}

/** A text in one line with each of them as \uXXXX, for a file that has no escapes of its own. */
export function escapedText(text: string): string {
  return text.replace(ANY, inEscapes);
}

function inEscapes(characters: string): string {
  const units = Array.from({ length: characters.length }, (_, at) => characters.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
