/** The state of a delegation and its reason, in words; the tone is there beside the words, never instead of them. */
import { html } from 'hono/html';
import type { DelegationState, SeenDelegation } from '../../../acting/delegation-states.ts';
import type { Html } from '../page.ts';
import type { Words } from '../words/shape.ts';
import { called } from '../words/words.ts';

export type Tone = 'good' | 'wait' | 'bad' | 'off';

const TONES: Readonly<Record<DelegationState, Tone>> = {
  'in force': 'good',
  'being verified': 'wait',
  waiting: 'wait',
  granted: 'wait',
  'not started': 'wait',
  ended: 'off',
  suspended: 'bad',
};

/** What a state is told of: who reads, in which zone, and in which words they hear of reasons. */
export interface Told {
  readonly words: Words;
  readonly time: (instant: string) => string;
  readonly reasons?: Readonly<Record<string, string>>;
}

type Standing = Pick<SeenDelegation, 'state' | 'reason' | 'startsAt' | 'endsAt'>;

export function stateIn(
  { words, time, reasons = words.codes.reasons }: Told,
  { state, reason, startsAt, endsAt }: Standing,
): { readonly text: string; readonly tone: Tone; readonly why: string | null } {
  const { codes } = words;
  const shown = reason === 'account-pending' ? 'waiting' : state; // nobody has taken anything away
  const said = { text: codes.states[shown], tone: TONES[shown] };
  if (reason === 'not-started' && startsAt !== null) return { ...said, why: codes.startsOn(time(startsAt)) };
  if (reason === 'ended' && endsAt !== null) return { ...said, why: codes.endedOn(time(endsAt)) };
  return { ...said, why: reason === null ? null : called(reasons, reason) };
}

export function stateShown(told: Told, one: Standing): Html {
  const { text, tone, why } = stateIn(told, one);
  return html`<span><span class="state ${tone}">${text}</span><span class="why">${why ?? ''}</span></span>`;
}
