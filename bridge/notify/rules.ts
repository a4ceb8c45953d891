/** What the configuration says of notices, as those who write them read it. */
import type { Config } from '../../config/schema.ts';
import type { NoticeRules } from './telling.ts';

/** Undefined without `[notices]`. */
export function noticeRules({ notices }: Pick<Config, 'notices'>): NoticeRules | undefined {
  if (notices === undefined) return undefined;
  const { language, others, endingDays, from } = notices;
  return { language, others, endingDays, domain: from.slice(from.lastIndexOf('@') + 1) };
}
