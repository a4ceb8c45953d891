/** Whom an account command lets in beside admins; whose account it is, `may` asks. */
export const SELF_SERVICE = ['owner', 'delegate'] as const;
