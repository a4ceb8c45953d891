/**
 * Where the trace ended when it was last looked at: `trace.head`, beside the key and sealed with it. Whoever takes the newest file away, or puts an
 * older copy in its place, leaves this one, which they can't write anew.
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DataFiles } from '../store/files/data-files.ts';
import { refuseLink } from '../store/files/no-follow.ts';
import { type TraceHead, traceMac } from './trace-chain.ts';

export type KeptTraceHead =
  | { readonly kind: 'kept'; readonly head: TraceHead }
  | { readonly kind: 'none' }
  /** Not written with this key. */
  | { readonly kind: 'forged' };

export const traceHeadFile = ({ privateDirectory }: Pick<DataFiles, 'privateDirectory'>) =>
  path.join(privateDirectory, 'trace.head');

const sealed = (key: Buffer, { file, id, seal }: TraceHead) =>
  traceMac(key, JSON.stringify(['kept head', file, id, seal.toString('hex')])).toString('hex');

export function readTraceHead(place: string, key: Buffer): KeptTraceHead {
  if (!existsSync(place)) return { kind: 'none' };
  refuseLink(place);
  const [, file = '', id = '', seal = '', by] =
    /^([\d-]{7,11}\.db):(\d{1,15}):([0-9a-f]*) ([0-9a-f]{32})\n$/.exec(readFileSync(place, 'utf8')) ?? [];
  const head = { file, id: Number(id), seal: Buffer.from(seal, 'hex') };
  return by !== undefined && by === sealed(key, head) ? { kind: 'kept', head } : { kind: 'forged' };
}

/** Whole or not at all. */
export function writeTraceHead(place: string, key: Buffer, head: TraceHead): void {
  const draft = `${place}.${process.pid}`;
  rmSync(draft, { force: true });
  try {
    const fd = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(fd, `${head.file}:${head.id}:${head.seal.toString('hex')} ${sealed(key, head)}\n`);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, place);
  } finally {
    rmSync(draft, { force: true });
  }
}
