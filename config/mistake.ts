/** A mistake in what the administrator wrote or left out. */
export interface Mistake {
  /** Where: `imap.port`, `line 3, column 7`, or empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, with the offending value unless it could be a secret. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** The configuration can't be used. Holds every mistake found; `message` is text ready to print, without a final newline. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly Mistake[];

  /** `subject` is what the mistakes are in, usually a file's path. */
  constructor(subject: string, mistakes: readonly Mistake[], options?: ErrorOptions) {
    const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
    super([`${subject}: ${count}`, ...mistakes.map(render)].join('\n'), options);
    this.mistakes = Object.freeze([...mistakes]);
  }
}

const render = ({ path, message, remedy }: Mistake): string =>
  `  ${path === '' ? '' : `${path}: `}${message}\n    -> ${remedy}`;
