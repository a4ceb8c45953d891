/** Said where a delegate's SUBSCRIBE writes the owner's list (bridge/reconcile/subscription-list.ts). */
export const OWNERS_LIST =
  "delegates are not subscribed to anything, because their SUBSCRIBE writes the owner's list: subscriptions = no in the shared namespace, as in mandat.conf";
