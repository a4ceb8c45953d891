/** Where French has an ordinary blank, or none, before `: ; ! ? »` and after `«`: there a line could break, or the sign sticks to the word. */

const ORDINARY = /[ \t\r\n][:;!?»]|«[ \t\r\n]/g;
/** At a word's end: neither a time (14:05) nor an address (https://…). */
const NONE = /[^\s\u00a0\u202f][;!?:](?=\s|$)|[^\s\u00a0\u202f]»|«[^\s\u00a0\u202f]/gu;

/** Each with what stands beside it. A header of HTTP is no French. */
export const astray = (text: string): readonly string[] =>
  [ORDINARY, NONE].flatMap((kind) => text.replaceAll('Authorization:', '').match(kind) ?? []);
