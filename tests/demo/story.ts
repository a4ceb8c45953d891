/** Telling a step: what is done, what was seen on the wire, how long it took, and whether it is what it should be. */
import type { Transcript } from '../../config/lab/transcript.ts';

export interface Story {
  /** Runs one step; it counts as verified only when `work` ends without throwing. */
  step(title: string, work: (tell: Teller) => Promise<void>): Promise<void>;
  /** True when every step so far was verified. */
  readonly verified: boolean;
  readonly steps: number;
}

export interface Teller {
  /** What a connection said since the last look. */
  wire(transcript: Transcript, only?: RegExp): void;
  /** What a command printed. */
  screen(command: string, output: string): void;
  /** A thing that was checked. Throws when it isn't so. */
  check(what: string, holds: boolean): void;
  note(text: string): void;
}

const LONGEST = 150;
/** Of the answer to a login, capabilities and all, nothing is worth a line. */
const LOGIN = /^t1 OK /;

export function openStory(print: (line: string) => void): Story {
  const shown = new WeakMap<Transcript, number>();
  let steps = 0;
  let verified = true;
  const indented = (text: string) => {
    for (const line of text.split('\n'))
      print(`     ${line.length > LONGEST ? `${line.slice(0, LONGEST)} ...` : line}`);
  };
  const teller: Teller = {
    wire: (transcript, only = /./) => {
      const { utterances } = transcript;
      for (const { from, text } of utterances.slice(shown.get(transcript) ?? 0)) {
        for (const line of text.split(/\r?\n/))
          if (only.test(line) && !LOGIN.test(line)) indented(`${from === 'client' ? 'C' : 'S'}: ${line}`);
      }
      shown.set(transcript, utterances.length);
    },
    screen: (command, output) => {
      indented(`$ ${command}`);
      if (output.trim() !== '') indented(output.trimEnd());
    },
    check: (what, holds) => {
      print(`   ${holds ? 'ok' : 'NOT SO'}  ${what}`);
      if (!holds) throw new Error(`not so: ${what}`);
    },
    note: (text) => indented(text),
  };
  return {
    step: async (title, work) => {
      steps++;
      print(`\n${String(steps).padStart(2)}. ${title}`);
      const began = performance.now();
      try {
        await work(teller);
        print(`   ${Math.round(performance.now() - began)} ms`);
      } catch (error) {
        verified = false;
        print(`   FAILED: ${error instanceof Error ? error.message : error}`);
        throw error;
      }
    },
    get verified() {
      return verified;
    },
    get steps() {
      return steps;
    },
  };
}
