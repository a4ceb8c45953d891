/** What is said of a submitted message, and what is changed in its header where it passes. */
import { AUTHOR_NAMES, type AuthorField } from './author-fields.ts';
import type { Field } from './header-fields.ts';
import { latin1 } from './plain-form.ts';

/** `owners`: the addresses of the mailboxes on whose behalf it is sent, each once; none for their own. */
export type SubmissionVerdict =
  | { readonly kind: 'pass'; readonly owners: readonly string[]; readonly changes: Changes }
  | Refusal
  | { readonly kind: 'later'; readonly code: number; readonly text: string };

export interface Refusal {
  readonly kind: 'refuse';
  readonly code: number;
  readonly text: string;
  /** The address that the login may not use, where that is why. */
  readonly forged?: string;
}

export interface Changes {
  /** Fields that are written anew, and what they are to say, in Unicode. */
  readonly anew: ReadonlyMap<Field, string>;
  /** `keep` what stands there, or have this one, or none. */
  readonly sender:
    | { readonly kind: 'keep' }
    | { readonly kind: 'set'; readonly address: string }
    | { readonly kind: 'none' };
}

export const refuse = (code: number, text: string): Refusal => ({ kind: 'refuse', code, text });
export const later = (text: string) => ({ kind: 'later', code: 451, text }) as const;
export const ambiguous = (why: string) => refuse(550, `5.6.0 ambiguous header: ${why}`);

/** The header with the changes made; every other field stays as it came. In latin1. */
export function changed(fields: readonly Field[], { anew, sender }: Changes): string {
  return fields
    .filter(({ name }) => sender.kind === 'keep' || name !== 'sender')
    .map((field) => {
      const said = anew.get(field);
      const line = said === undefined ? field.raw : `${AUTHOR_NAMES[(field as AuthorField).name]}: ${latin1(said)}\r\n`;
      return field.name === 'from' && sender.kind === 'set' ? `${line}Sender: <${sender.address}>\r\n` : line;
    })
    .join('');
}
