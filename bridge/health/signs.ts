/** What the sidecar tells of its work while it does it. Nothing here throws, keeps anybody waiting or changes what is done. */
import type { Result } from '../reconcile/mailbox.ts';
import type { Said } from '../reconcile/site.ts';
import type { Step } from '../reconcile/steps.ts';
import type { Contact } from './contact.ts';
import type { Job } from './pulse.ts';
import type { Sight } from './sight.ts';

export interface Signs {
  /** What can be looked at from now on; the answer ends that. */
  open(sight: Sight): () => void;
  job(name: Job, work: () => Promise<void>): Promise<void>;
  /** One pass. `work` is done within, and its result is the answer. */
  pass(mailboxId: number, attempt: number, work: () => Promise<Result>): Promise<Result>;
  /** A change on a server. */
  step(step: Step): void;
  /** What goes into the audit trail. */
  said(lines: readonly Said[]): void;
  /** Another sidecar works, and this one waits; undefined: it is its turn. */
  standsBy(how: StandsBy | undefined): void;
  /** The IMAP server was spoken to. */
  contact(contact: Contact): void;
}

export interface StandsBy {
  /** A sentence. */
  readonly told: string;
  /** Whether it could take over. */
  readonly ok: boolean;
}

/** Where nobody asks: a command's own pass. */
export const NO_SIGNS: Signs = {
  open: () => () => {},
  job: (_name, work) => work(),
  pass: (_mailboxId, _attempt, work) => work(),
  step: () => {},
  said: () => {},
  standsBy: () => {},
  contact: () => {},
};
