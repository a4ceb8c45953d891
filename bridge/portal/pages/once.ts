/** A form that was sent twice, or whose button was clicked twice, does what it does once: the second is answered as the first. */
import { randomUUID } from 'node:crypto';
import { html } from 'hono/html';
import type { Html, PortalContext } from './page.ts';

const KEPT = 2000;

export const onceField = (): Html => html`<input type="hidden" name="once" value="${randomUUID()}">`;

export type Once = <T>(c: PortalContext, token: string, work: () => Promise<T>) => Promise<T>;

/** What fails may be tried again with the same form. */
export function openOnce(): Once {
  const kept = new Map<string, Promise<unknown>>();
  return <T>(c: PortalContext, token: string, work: () => Promise<T>): Promise<T> => {
    if (token === '') return work();
    const key = `${c.get('person').session} ${c.req.path} ${token}`;
    const before = kept.get(key);
    if (before !== undefined) return before as Promise<T>;
    const doing = work();
    kept.set(key, doing);
    doing.catch(() => kept.delete(key));
    const [oldest] = kept.keys();
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
    return doing;
  };
}
