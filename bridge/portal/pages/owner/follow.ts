/** What becomes of a change, told as it happens and shown anew by a reload. R49: no word of it that mandat has not seen. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { streamSSE } from 'hono/streaming';
import { delegationsOf, type SeenDelegation } from '../../../acting/delegation-states.ts';
import type { Changed } from '../../../acting/delegations.ts';
import { fullName, publishedPerson } from '../../../acting/known-people.ts';
import { type Followed, followed, type Progress, progressOf } from '../../../acting/progress.ts';
import { failureOf } from '../../../shared/failure.ts';
import type { PortalEnv } from '../../context.ts';
import { type Html, type PortalContext, wordsOf } from '../page.ts';
import { mailboxPath, withQuery } from '../paths.ts';
import { timeText } from '../times.ts';
import type { Words } from '../words/shape.ts';
import { called } from '../words/words.ts';
import { stateIn, type Told, type Tone } from './state-shown.ts';
import { type Desk, deskAt } from './whose.ts';

const LOOK_EVERY_MS = 700;
/** Then the browser asks anew: a page that was left open costs a look now and then. */
const WATCHED_MS = 60_000;
/** A page that hears nothing for much longer takes it for lost (assets/script.ts). */
const SILENT_MS = 10_000;
const VERBS: readonly string[] = ['grant', 'revoke', 'suspend', 'resume'];

/** Where a change leads: to the mailbox, which tells what becomes of it. */
export function followPath(change: Changed): string {
  const { verb, mailbox, delegate, version } = followed(change);
  return withQuery(mailboxPath(mailbox), { did: verb, delegate, version });
}

/** The change that the page's address names; undefined where it names none. */
export function followedIn(c: PortalContext, mailbox: string): Followed | undefined {
  const [verb, delegate, version] = ['did', 'delegate', 'version'].map((name) => c.req.query(name) ?? '');
  if (!verb || !delegate || !VERBS.includes(verb) || !/^\d{1,15}$/.test(version ?? '')) return undefined;
  return { verb: verb as Followed['verb'], mailbox, delegate: delegate.slice(0, 100), version: Number(version) };
}

interface Progressed {
  readonly text: string;
  readonly tone: Tone;
  readonly final: boolean;
}

export function toldOf(words: Words, { verb }: Pick<Followed, 'verb'>, progress: Progress): Progressed {
  const said = verb === 'grant' || verb === 'resume' ? words.owner.given : words.owner.taken;
  const { state, withheld, final } = progress;
  if (state === 'verified') return { text: said.verified, tone: 'good', final };
  if (state === 'withheld') {
    const why = withheld.map((one) => called(words.codes.reasons, one.why));
    return { text: said.withheld(why), tone: 'wait', final };
  }
  if (state === 'failed' || state === 'put back' || state === 'superseded')
    return { text: said[state], tone: 'bad', final };
  return { text: [said[state], hindrance(words, progress)].filter(Boolean).join(' '), tone: 'wait', final };
}

function hindrance({ owner }: Words, { sidecar, paused, failure }: Progress): string {
  if (paused) return owner.pausedNow;
  if (!sidecar) return owner.noSidecar;
  return failure === null ? '' : owner.unreachable;
}

export async function followBanner(
  c: PortalContext,
  desk: Desk,
  change: Followed,
  rows: readonly SeenDelegation[],
): Promise<Html> {
  const words = wordsOf(c);
  const { text, tone, final } = toldOf(words, change, await progressOf(desk.acting, change));
  const { verb, mailbox, delegate, version } = change;
  const row = rows.find((one) => one.delegate.identifier === delegate)?.delegate;
  const name = fullName(
    publishedPerson(desk.acting, delegate) ?? row ?? { identifier: delegate, firstName: null, lastName: null },
  );
  const query = { did: verb, delegate, version };
  const live = withQuery(mailboxPath(mailbox, '/events'), query);
  return html`<div class="note ${tone}"${final ? '' : html` data-live="${live}"`}><p><strong><bdi>${words.owner.did[verb](name)}</bdi></strong></p>
<p role="status"><span data-text${final ? '' : html` class="busy"`}>${text}</span></p>
${final ? '' : html`<p role="status" data-lost="${words.owner.notLive}"></p>`}
${final ? '' : html`<p data-again><a href="${withQuery(mailboxPath(mailbox), query)}">${words.look}</a></p>`}</div>`;
}

export function mountFollowing(app: Hono<PortalEnv>): void {
  app.get(mailboxPathPattern('/events'), async (c) => {
    const desk = await deskAt(c);
    const change = desk && followedIn(c, desk.mailbox.address);
    if (desk === undefined || change === undefined) return c.body(null, 404);
    const { timezone } = desk.acting.config.policy;
    const told = { words: wordsOf(c), time: (instant: string) => timeText(instant, timezone, c.get('language')) };
    c.header('cache-control', 'no-store');
    c.header('x-accel-buffering', 'no');
    return streamSSE(c, async (stream) => {
      let before = '';
      let silentUntil = 0;
      const until = performance.now() + WATCHED_MS;
      while (!stream.aborted && performance.now() < until) {
        const event = await eventOf(told, desk, change).catch((error: unknown) => awayOr(told.words, change, error));
        const data = JSON.stringify(event);
        const now = performance.now();
        if (data !== before || now > silentUntil) {
          await stream.writeSSE(data === before ? { event: 'alive', data: '-' } : { event: 'state', data });
          silentUntil = now + SILENT_MS;
        }
        before = data;
        if (event.final) return;
        await stream.sleep(LOOK_EVERY_MS);
      }
    });
  });
}

/** What is away for a moment is waited for, and said meanwhile. */
function awayOr({ owner }: Words, { delegate }: Followed, error: unknown) {
  if (failureOf(error).code !== 'retry') throw error;
  return { text: owner.tableAway, tone: 'wait' as const, final: false, delegate, state: null };
}

async function eventOf(told: Told, { acting }: Desk, change: Followed) {
  const progress = await progressOf(acting, change);
  const rows = await delegationsOf(acting, { mailbox: change.mailbox });
  const row = rows.find(({ delegate }) => delegate.identifier === change.delegate);
  return {
    ...toldOf(told.words, change, progress),
    delegate: change.delegate,
    state: row === undefined ? null : stateIn(told, row),
  };
}

export const mailboxPathPattern = (below = '') => `/mailboxes/:mailbox${below}`;
