/**
 * What a mailbox is held to be, beside what is published of its address: the published kind and owner fill what nobody has given, and what
 * contradicts them is refused, since neither ever changes (R2). An address that isn't published says nothing: it may have asked not to be.
 */
import { Failure } from '../shared/failure.ts';
import type { MailboxKind } from '../store/table/delegation-types.ts';
import type { PublishedMailbox } from './correspondence.ts';

export interface HeldToBe {
  readonly kind?: MailboxKind | undefined;
  readonly owner?: string | null | undefined;
}

/** Each contradiction, a sentence; none where they agree. */
export function contradictions({ kind, owner }: HeldToBe, published: readonly PublishedMailbox[]): readonly string[] {
  const { kinds, owners } = distinct(published);
  return [
    ...(kind !== undefined && kinds.length > 0 && !kinds.includes(kind)
      ? [`the MSSanté list has it as ${kinds.join(' and ')}, not as ${kind}`]
      : []),
    ...(owner !== undefined && owner !== null && owners.length > 0 && !owners.includes(owner)
      ? [`the MSSanté list has it as a mailbox of ${owners.join(' and ')}, not of ${owner}`]
      : []),
  ];
}

/** Fails `refused` for what contradicts the published. */
export function refuseContradictions(address: string, held: HeldToBe, published: readonly PublishedMailbox[]): void {
  const found = contradictions(held, published);
  if (found.length === 0) return;
  throw new Failure(
    'refused',
    `${address}: ${found.join('; ')}`,
    'leave it out to take what is published, or import a newer list ("mandat directory import FILE")',
    { rule: 'MANDAT_CORRESPONDENCE' },
  );
}

/** What is published, where there is no doubt; of several kinds the one that can't be delegated. */
export function filled(published: readonly PublishedMailbox[]): {
  readonly kind?: MailboxKind;
  readonly owner?: string;
} {
  const { kinds, owners } = distinct(published);
  const kind = kinds.find((one) => one !== 'PER') ?? kinds[0];
  const [owner] = owners;
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(kind !== 'PER' || owner === undefined || owners.length > 1 ? {} : { owner }),
  };
}

function distinct(published: readonly PublishedMailbox[]) {
  return {
    kinds: [...new Set(published.map(({ kind }) => kind))],
    owners: [...new Set(published.flatMap(({ owner }) => owner ?? []))],
  };
}
