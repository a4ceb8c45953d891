/**
 * What an entry of the trail says beside its columns, for whoever reads the page. An owner is told what they can use of it, in words: never who a
 * message went to, nor what its sender has made up. An administrator is told the rest too, as the trail has it.
 */
import type { HistoryEntry } from '../../../acting/history.ts';
import type { Words } from '../words/shape.ts';
import { called } from '../words/words.ts';

type Value = unknown;
type Facts = Words['codes']['facts'];
type InWords = (facts: Facts, value: Value, reader: Reader) => string | null;

export interface Reader {
  readonly words: Words;
  readonly time: (instant: string) => string;
  readonly number: (value: number) => string;
}

const text =
  (say: (facts: Facts, value: string, reader: Reader) => string): InWords =>
  (facts, value, reader) =>
    typeof value === 'string' && value !== '' ? say(facts, value, reader) : null;
const count =
  (say: (facts: Facts, value: number, reader: Reader) => string): InWords =>
  (facts, value, reader) =>
    typeof value === 'number' ? say(facts, value, reader) : null;

const IN_WORDS: Readonly<Record<string, InWords>> = {
  starts_at: text((facts, value, { time }) => facts.starts(time(value))),
  ends_at: text((facts, value, { time }) => facts.ends(time(value))),
  acknowledged: text((facts, value) => facts.acknowledged(value)),
  suspended: count((facts, value) => (value === 0 ? facts.notSuspended : facts.suspended)),
  recipients: count((facts, value) => facts.recipients(value)),
  bytes: count((facts, value, { number }) => facts.size(number(Math.max(0.1, Math.round(value / 100) / 10)))),
  folders: (facts, value) =>
    typeof value === 'number' ? facts.folders(value) : Array.isArray(value) ? facts.folders(value.length) : null,
  kind: text((facts, value) => (Object.hasOwn(facts.about, value) ? called(facts.about, value) : '')),
  part: text((facts, value) => (Object.hasOwn(facts.told, value) ? called(facts.told, value) : '')),
  alias: text((_, value) => value),
  identifier: text((_, value) => value),
};

/** `whole`: for an administrator. */
export function factsTold(reader: Reader, { reason, detail }: HistoryEntry, whole: boolean): string {
  const { codes } = reader.words;
  const told = Object.entries(detail).flatMap(([name, value]) => {
    const words = Object.hasOwn(IN_WORDS, name) ? IN_WORDS[name]?.(codes.facts, value, reader) : null;
    if (words) return [words];
    return whole && value !== null ? [`${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`] : [];
  });
  return [...(reason === null ? [] : [called({ ...codes.reasons, ...codes.facts.because }, reason)]), ...told]
    .join(', ')
    .slice(0, LONGEST);
}

const LONGEST = 300;
