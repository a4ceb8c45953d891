/** Histories that once failed, whatever was wrong then: each is played by its name in every run of the suite. */
import type { Step } from './steps.ts';

export const KNOWN: Readonly<Record<string, readonly Step[]>> = {
  // The entry of the message came into the trail in the middle of the last pass, and was taken for one that the pass had written.
  'a message that is sent after the last settling is nothing that a pass writes': [
    { do: 'grant', pair: { mailbox: 'alice', delegate: 'carol' }, when: 'now' },
    { do: 'settle' },
    { do: 'message', as: 'carol', from: 'alice' },
  ],
};
