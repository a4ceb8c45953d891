/** What others write so that a terminal obeys it, or so that it can't be seen. */

/** Escape sequences of one and of two bytes, a title, a bell, a carriage return; marks of direction; Unicode's line ends; what has no width. */
export const EVIL_TEXT =
  '\x1b[2J\x1b]0;evil\x07\x9b31m\rmandat: all is well\x7f\u202egnp\u202c\u2066\u2069\u200e\u200f\u061c\u2028\u2029\u200b\u2060\ufeff\u00ad\u{e0041}';

/** What a terminal would obey, or would hide. */
export const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\u200b\u2060\ufeff\u00ad\u{e0000}-\u{e007f}]/u;
