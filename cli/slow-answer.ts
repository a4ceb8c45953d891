/** A server that is slow to answer, as `status` and `explain` tell it. */
import type { SlowAnswer } from '../bridge/store/state/slow-answers.ts';
import { oneLine } from './output.ts';
import { shownTime } from './times.ts';

export function slowAnswerLine({ what, since }: SlowAnswer, timezone: string): string {
  return oneLine(`waits since ${shownTime(since, timezone)} for ${what}: the server is slow to answer`);
}
