/** What is wrong at one place of a question, in the API's own words: problem-fr.ts has the same in French. */
export const GIVEN_TWICE = 'given more than once';
export const NO_CURSOR = 'not a cursor';
export const NO_TIME = 'neither a date (2026-12-31) nor a time with its zone (2026-12-31T18:00+01:00)';
export const ODD_CHARACTER = 'there is a character in it that breaks lines or turns text around';
