/** A guard: one line or one condition of the program that keeps somebody out, or something from being lost; and how it is taken out. */

export interface Guard {
  /** What it keeps from happening, or the condition's own name. */
  readonly name: string;
  /** The file that it stands in, from the project's root. */
  readonly file: string;
  /** The file's text without it. Throws where the guard isn't there as it is described, so that this list can't fall behind. */
  readonly without: (source: string) => string;
  /** Test files that must fail then; one failing is enough. */
  readonly tests: readonly string[];
  /** Why no test can fail: another guard stands before it. Such a one is listed, and not counted as caught. */
  readonly behind?: string;
}

/** A guard that is taken out by writing `by` instead of `text`, which stands once in its file. */
export function line(name: string, file: string, text: string, by: string, ...tests: readonly string[]): Guard {
  return { name, file, tests, without: (source) => replacedOnce(source, text, by, file) };
}

export function replacedOnce(source: string, text: string, by: string, file: string): string {
  const parts = source.split(text);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${text}`);
  return parts.join(by);
}
