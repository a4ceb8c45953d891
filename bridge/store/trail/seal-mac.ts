/** What the trail's seals are made with. */
import { createHmac } from 'node:crypto';

/** An entry of the trail, by its number and seal. */
export interface AuditHead {
  readonly id: number;
  readonly seal: string;
}

export function mac(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}
