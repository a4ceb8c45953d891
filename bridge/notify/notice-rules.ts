/** What the configuration says of notices, as those who write them read it. */
import type { Config } from '../../config/schema.ts';

export interface NoticeRules {
  readonly language: 'fr' | 'en';
  /** What the other delegates of a mailbox are told. */
  readonly others: 'short' | 'full' | 'none';
  readonly endingDays: number;
  /** The right side of every Message-ID. */
  readonly domain: string;
}

/** Undefined without `[notices]`. */
export function noticeRules({ notices }: Pick<Config, 'notices'>): NoticeRules | undefined {
  if (notices === undefined) return undefined;
  const { language, others, endingDays, from } = notices;
  return { language, others, endingDays, domain: from.slice(from.lastIndexOf('@') + 1) };
}
