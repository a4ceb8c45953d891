/** Whose list of subscriptions a delegate's SUBSCRIBE writes: with `subscriptions = yes` in the shared namespace it is the owner's. */
import { fact } from '../store/state/facts.ts';
import { sectionsNamed } from './doveconf-text.ts';
import { type Check, type Finding, ok, skipped, warn } from './finding.ts';
import { sharedNamespace } from './own-session.ts';

export const subscriptions: Check = {
  name: 'subscriptions',
  needs: [sharedNamespace],
  look: async (subject) => {
    const reading = await subject.doveconf();
    if (reading.found !== undefined) {
      const { source, all } = reading.found;
      const shared = sectionsNamed(all, 'namespace').filter(({ settings }) => settings.get('type') === 'shared');
      return said(
        shared.some(({ settings }) => settings.get('subscriptions') === 'yes'),
        source,
      );
    }
    const seen = await fact(await subject.state(), 'subscriptions-kept-by').catch(() => undefined);
    return seen === undefined ? skipped(reading.why) : said(seen === 'owner', 'as the last grant has shown');
  },
};

function said(owners: boolean, how: string): Finding {
  if (!owners) return ok(`each delegate's list is their own (${how})`);
  return warn(
    `what a delegate subscribes to or unsubscribes from is changed in the owner's own list (${how}): mandat leaves subscriptions alone, so mail programs show delegates only what the owner is subscribed to`,
    'subscriptions = no in the shared namespace, as in mandat.conf; doveadm reload',
  );
}
