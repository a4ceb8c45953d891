/** What a rule for a value is, and how the simple ones are made. */
export interface Problem {
  readonly message: string;
  readonly remedy: string;
}
export type Rule = (value: string) => readonly Problem[];

export const GOOD: readonly Problem[] = [];
/** The value for a message; one that may be an address with a password in it (LOGIN:PASSWORD@HOST) is not repeated. */
export const quoted = (value: string): string => (/:.*@/.test(value) ? 'this value' : JSON.stringify(value));

/** One problem with the value unless `pattern` matches. */
export const shaped =
  (pattern: RegExp, what: string, remedy: string): Rule =>
  (value) =>
    pattern.test(value) ? GOOD : [{ message: `${quoted(value)} is not ${what}`, remedy }];
