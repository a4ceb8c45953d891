/** Forms: what was typed, read within bounds; fields with their fault beside them; what was refused, in words. */
import { html } from 'hono/html';
import { failureOf } from '../../shared/failure.ts';
import type { Html, PortalContext } from './page.ts';
import type { Words } from './words/shape.ts';
import { sentenceOf } from './words/words.ts';

const LONGEST = 500;

export type Typed = (name: string) => string;

/** What stands in the fields, without what is around it; what isn't there, or is a file, is empty. */
export async function typedIn(c: PortalContext): Promise<Typed> {
  const body = await c.req.parseBody();
  return (name) => trimmed(body[name]);
}

export const typedInQuery =
  (c: PortalContext): Typed =>
  (name) =>
    trimmed(c.req.query(name));

const trimmed = (value: unknown) => (typeof value === 'string' ? value.trim().slice(0, LONGEST) : '');

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly value?: string;
  readonly type?: 'text' | 'email' | 'date' | 'search';
  readonly hint?: string;
  readonly fault?: string | undefined;
  readonly required?: boolean;
  readonly mode?: 'numeric';
  /** WCAG 1.3.5 */
  readonly autocomplete?: string;
}

export function field(one: Field): Html {
  const { name, label, value = '', type = 'text', hint, fault, required = false, mode, autocomplete } = one;
  const described = [...(hint ? [`${name}-hint`] : []), ...(fault ? [`${name}-fault`] : [])].join(' ');
  return html`<div class="field"><label for="${name}">${label}${required ? html` <span aria-hidden="true">*</span>` : ''}</label>
<input type="${type}" id="${name}" name="${name}" value="${value}" maxlength="${LONGEST}"${required ? html` required` : ''}${mode ? html` inputmode="${mode}"` : ''}${autocomplete ? html` autocomplete="${autocomplete}"` : ''}${described ? html` aria-describedby="${described}"` : ''}${fault ? html` aria-invalid="true"` : ''}>
${hint ? html`<p class="hint" id="${name}-hint">${hint}</p>` : ''}${fault ? html`<p class="fault" id="${name}-fault">${fault}</p>` : ''}</div>`;
}

export function checkbox(one: {
  name: string;
  label: string;
  checked?: boolean;
  fault?: string | undefined;
  required?: boolean;
}): Html {
  const { name, label, checked = false, fault, required = false } = one;
  return html`<div class="check"><input type="checkbox" id="${name}" name="${name}" value="yes"${checked ? html` checked` : ''}${required ? html` required` : ''}${fault ? html` aria-invalid="true" aria-describedby="${name}-fault"` : ''}>
<label for="${name}">${label}${fault ? html`<span class="fault" id="${name}-fault"> ${fault}</span>` : ''}</label></div>`;
}

/** Said first: what is to be put right, each leading to its field. By the script it has the focus. WCAG 3.3.1, RGAA 11.10 */
export function faultList(words: Words, faults: Readonly<Record<string, string | undefined>>): Html | string {
  const told = Object.entries(faults).filter(([, text]) => text !== undefined);
  if (told.length === 0) return '';
  return html`<div class="note bad" role="alert" tabindex="-1" data-first><p><strong>${words.toMend(told.length)}</strong></p>
<ul>${told.map(([name, text]) => html`<li><a href="#${name}">${text}</a></li>`)}</ul></div>`;
}

/** Said first, and in red: what was not done, and why. */
export function fault(words: Words, text: string): Html {
  return html`<div class="note bad" role="alert" tabindex="-1" data-first><p><strong>${words.wrong}.</strong> ${text}</p></div>`;
}

export const done = (text: string): Html => html`<div class="note good" role="status"><p>${text}</p></div>`;

/** A refusal in the words of whoever reads it: by its rule, else by who must act. */
export function inWords(
  words: Words,
  error: unknown,
): { readonly text: string; readonly rule: string; readonly status: 403 | 404 | 409 | 422 | 500 | 503 } {
  const failure = failureOf(error);
  const { code, rule = '' } = failure;
  const text = sentenceOf(words, failure);
  if (rule === 'MANDAT_ACTOR') return { text, rule, status: 403 };
  if (rule === 'MANDAT_DUPLICATE' || rule === 'MANDAT_LIMIT') return { text, rule, status: 409 };
  const status = {
    retry: 503,
    refused: 422,
    absent: 404,
    config: rule === '' ? 503 : 422,
    unsafe: 503,
    internal: 500,
  } as const;
  return { text, rule, status: status[code] };
}

/** The same for a form that is shown again with it. What isn't for whoever typed to mend is thrown on: pages/routes.ts says so, and keeps what was typed. */
export function mendable(words: Words, error: unknown): ReturnType<typeof inWords> {
  const said = inWords(words, error);
  if (said.status >= 500) throw error;
  return said;
}
