/** One thing said on a connection, as it stood on the wire, secrets masked. */
export interface Utterance {
  readonly from: 'client' | 'server';
  readonly text: string;
}

/** What was said on a connection, in order, to be printed by a demo or a failing test. */
export interface Transcript {
  readonly utterances: readonly Utterance[];
  client(text: string): void;
  server(text: string): void;
  /** One line each, `C: ` or `S: ` before it. */
  print(): string;
}

export function transcript(): Transcript {
  const utterances: Utterance[] = [];
  return {
    utterances,
    client: (text) => utterances.push({ from: 'client', text }),
    server: (text) => utterances.push({ from: 'server', text }),
    print: () =>
      utterances
        .flatMap(({ from, text }) => text.split(/\r?\n/).map((line) => `${from === 'client' ? 'C' : 'S'}: ${line}`))
        .join('\n'),
  };
}
