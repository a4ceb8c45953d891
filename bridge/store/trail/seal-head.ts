/**
 * Where the trail ended when it was last looked at: a file beside the key, sealed with it. Whoever takes the whole trail out of state.db, with
 * what state.db says of its end, leaves this one, which they can't write anew.
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { refuseLink } from '../files/no-follow.ts';
import { type AuditHead, mac } from './seal-mac.ts';

export type KeptHead =
  | { readonly kind: 'kept'; readonly head: AuditHead }
  /** There is none: of before there was such a file, or taken away. */
  | { readonly kind: 'none' }
  /** Not written with this key. */
  | { readonly kind: 'forged' };

/** Of a trail without entries. */
export const NO_HEAD: AuditHead = { id: 0, seal: '' };

/** `seal.head`, beside `seal.key`. */
export const headFileOf = (sealKeyFile: string) => `${sealKeyFile.replace(/\.key$/, '')}.head`;

const sealed = (key: Buffer, { id, seal }: AuditHead) => mac(key, JSON.stringify(['kept head', id, seal]));

export function readHead(file: string, key: Buffer): KeptHead {
  if (!existsSync(file)) return { kind: 'none' };
  refuseLink(file);
  const [, id = '', seal = '', by] = /^(\d{1,15}):([0-9a-f]*) ([0-9a-f]{64})\n$/.exec(readFileSync(file, 'utf8')) ?? [];
  const head = { id: Number(id), seal };
  return by !== undefined && by === sealed(key, head) ? { kind: 'kept', head } : { kind: 'forged' };
}

/** Whole or not at all. */
export function writeHead(file: string, key: Buffer, head: AuditHead): void {
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true });
  try {
    const fd = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(fd, `${head.id}:${head.seal} ${sealed(key, head)}\n`);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}
