/** Made-up messages that pass the verdict, and the addresses in their author fields as our strict reader has them. */
import fc from 'fast-check';
import { readAddresses } from '../../acl/address-list.ts';
import { AUTHOR_NAMES } from '../../acl/author-fields.ts';
import { readHeader } from '../../acl/header-fields.ts';
import type { Rights, Standing } from '../../acl/submission.ts';
import { judge } from '../../bridge/submission/judge.ts';
import { message } from './author-field-maker.ts';

export interface Passed {
  /** As it came, without Postfix's field. */
  readonly came: string;
  /** As it leaves, with the empty line. */
  readonly header: Buffer;
  /** By field in lower case. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
}

/** MANDAT_TEST_SEED, to see again what a failed test saw. */
export const seed = Number(process.env.MANDAT_TEST_SEED ?? Date.now() % 2 ** 31);

const KNOWN: Readonly<Record<string, Standing>> = {
  'bob@x.test': { kind: 'own' },
  'alice@x.test': { kind: 'owner', owner: 'alice@x.test', mode: null },
  'held@x.test': { kind: 'held' },
};
export const standing = (address: string): Standing => KNOWN[address.toLowerCase()] ?? { kind: 'stranger' };
const RIGHTS: Rights = { self: 'bob@x.test', standing };
const TOP =
  'Received: from c (unknown [127.0.0.1])\r\n\t(Authenticated sender: bob@x.test)\r\n\tby mx (Postfix) with ESMTPA\r\n\tfor <d@y.test>; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\r\n';

/** An address by name of field, from a header that has passed, as our reader has them. */
function strictly(header: string, utf8: boolean): Readonly<Record<string, readonly string[]>> {
  const read = readHeader(header);
  const found: Record<string, string[]> = {};
  for (const { name, value } of read.kind === 'fields' ? read.fields : []) {
    if (!Object.hasOwn(AUTHOR_NAMES, name)) continue;
    const list = readAddresses(value, utf8);
    if (list.kind === 'ambiguous') throw new Error(`passed, and ambiguous: ${list.why}`);
    found[name] = [...(found[name] ?? []), ...list.mailboxes.map(({ address }) => address)];
  }
  return found;
}

export async function passedOf(runs: number): Promise<readonly Passed[]> {
  const authority = { rights: async () => RIGHTS };
  const passed: Passed[] = [];
  for (const { from, more, signed, utf8, rewrite } of fc.sample(message, { numRuns: runs, seed })) {
    const signature = signed ? 'DKIM-Signature: v=1; h=From:Sender:Resent-From; b=x\r\n' : '';
    const came = `${signature}From: ${from}${more}\r\nSubject: x\r\n`;
    const onImitation = rewrite ? 'rewrite' : 'reject';
    const rules = { mode: 'on-behalf', onMismatch: 'reject', onImitation, hideLogin: true } as const;
    const block = Buffer.from(`${TOP}${came}`, 'latin1');
    const { verdict, header } = await judge(block, { mailFrom: 'bob@x.test', utf8 }, authority, rules);
    if (verdict.kind !== 'pass') continue;
    const addresses = strictly(header.toString('latin1'), utf8);
    passed.push({ came, header: Buffer.concat([header, Buffer.from('\r\n')]), addresses });
  }
  return passed;
}
