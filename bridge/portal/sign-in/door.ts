/** All that coming in and going out need, and what the trail is told of it. */
import type { Config } from '../../../config/schema.ts';
import type { ApiSite } from '../context.ts';
import type { Cookies } from '../cookies.ts';
import type { Figures } from '../figures.ts';
import type { Session, Sessions } from '../sessions.ts';
import type { BegunSignIns, KeptForm } from './begun-sign-ins.ts';

export interface Door extends ApiSite {
  /** What mail clients are told before anybody has signed in. */
  readonly mailClient: Config['mailClient'];
  readonly sessions: Sessions;
  readonly begun: BegunSignIns;
  readonly cookies: Cookies;
  readonly figures: Figures;
  /** What is typed again after the sign-in, by session. */
  readonly kept: WeakMap<Session, KeptForm>;
  /** Notes in the trail who came in, who didn't, and who went. */
  note(event: DoorEvent): Promise<void>;
}

export interface DoorEvent {
  readonly action: 'portal-sign-in' | 'portal-sign-out' | 'portal-refused';
  readonly identifier: string;
  readonly session?: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export const signedOut = ({ name, person }: Session, by: string): DoorEvent => ({
  action: 'portal-sign-out',
  identifier: person.identifier,
  session: name,
  detail: { by },
});
