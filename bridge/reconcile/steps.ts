/** One change on a server, as it is logged, rehearsed and printed by `sync --dry-run`. */
import type { FolderName } from '../store/state/ledger-pairs.ts';

export type Step =
  | {
      readonly kind: 'set-entry';
      readonly owner: string;
      readonly folder: FolderName;
      readonly login: string;
      readonly rights: string;
    }
  | { readonly kind: 'delete-entry'; readonly owner: string; readonly folder: FolderName; readonly login: string }
  | { readonly kind: 'publish'; readonly address: string; readonly login: string }
  | { readonly kind: 'withdraw'; readonly address: string; readonly login: string }
  | { readonly kind: 'cut'; readonly login: string }
  | { readonly kind: 'subscribe'; readonly owner: string; readonly folder: FolderName; readonly login: string }
  | { readonly kind: 'unsubscribe'; readonly owner: string; readonly folder: FolderName; readonly login: string };

export type OnStep = (step: Step) => void;

/** A step as one line, in the protocols' own words. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'set-entry':
      return `SETACL ${step.folder} ${step.login} ${step.rights}   as ${step.owner}`;
    case 'delete-entry':
      return `DELETEACL ${step.folder} ${step.login}   as ${step.owner}`;
    case 'publish':
      return `let ${step.login} send as ${step.address}`;
    case 'withdraw':
      return `no longer let ${step.login} send as ${step.address}`;
    case 'cut':
      return `end the open sessions of ${step.login}`;
    case 'subscribe':
      return `SUBSCRIBE ${step.owner}'s ${step.folder}   as ${step.login}`;
    case 'unsubscribe':
      return `UNSUBSCRIBE ${step.owner}'s ${step.folder}   as ${step.login}`;
  }
}
