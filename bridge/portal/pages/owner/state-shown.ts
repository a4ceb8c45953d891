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

export function stateIn(
  words: Words,
  { state, reason }: Pick<SeenDelegation, 'state' | 'reason'>,
  reasons: Readonly<Record<string, string>> = words.codes.reasons,
): { readonly text: string; readonly tone: Tone; readonly why: string | null } {
  // A start or an end that is said by the state itself needs no reason beside it.
  const why = reason === null || reason === 'ended' || reason === 'not-started' ? null : called(reasons, reason);
  const tone = reason === 'account-pending' ? 'wait' : TONES[state]; // nobody has taken anything away
  return { text: words.codes.states[state], tone, why };
}

export function stateShown(
  words: Words,
  one: Pick<SeenDelegation, 'state' | 'reason'>,
  reasons?: Readonly<Record<string, string>>,
): Html {
  const { text, tone, why } = stateIn(words, one, reasons);
  return html`<span><span class="state ${tone}">${text}</span><span class="why">${why ?? ''}</span></span>`;
}
