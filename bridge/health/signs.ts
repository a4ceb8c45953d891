/** What the sidecar tells of its work while it does it. Nothing here throws, keeps anybody waiting or changes what is done. */
import type { Result } from '../reconcile/mailbox.ts';
import type { Said } from '../reconcile/site.ts';
import type { Step } from '../reconcile/steps.ts';
import type { Contact } from './contact.ts';
import type { Job } from './pulse.ts';
import type { Sight } from './sight.ts';

export interface Signs extends PassSigns {
  /** What can be looked at from now on; the answer ends that. */
  open(sight: Sight): () => void;
  job(name: Job, work: () => Promise<void>): Promise<void>;
  /** One pass. `work` is done within, tells what it does to `own`, and its result is the answer. */
  pass(mailboxId: number, attempt: number, work: (own: PassSigns) => Promise<Result>): Promise<Result>;
  /** Another sidecar works, and this one waits; undefined: it is its turn. */
  standsBy(how: StandsBy | undefined): void;
}

/** What is done, by one pass or by whoever else. */
export interface PassSigns {
  /** A change on a server. */
  step(step: Step): void;
  /** What goes into the audit trail. */
  said(lines: readonly Said[]): void;
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
  pass: (_mailboxId, _attempt, work) => work(NO_SIGNS),
  step: () => {},
  said: () => {},
  standsBy: () => {},
  contact: () => {},
};
