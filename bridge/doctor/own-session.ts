/** A session in an owner's mailbox: whose it is, and what it shows of other users' folders. */
import { failureOf } from '../failure.ts';
import { pluginSetting } from './doveconf.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import { NOBODY, withOtherWay } from './imap.ts';
import { separator } from './separator.ts';

export const identity: Check = {
  name: 'identity',
  needs: [separator],
  look: async (subject) => {
    const opened = await subject.opened();
    if (opened === undefined) return skipped(NOBODY);
    try {
      await subject.prove(opened);
      return ok(`the session is proven to be that of ${opened.login}`);
    } catch (error) {
      const hint = 'plugin { acl_user = %u } as in config/dovecot/mandat.conf';
      return withOtherWay(subject, error, `${hint}; ${failureOf(error).hint}`);
    }
  },
};

export const sharedNamespace: Check = {
  name: 'shared namespace',
  needs: [identity],
  look: async (subject) => {
    const opened = await subject.opened();
    const other = (await opened?.connection.namespaces())?.otherUsers;
    if (other === undefined) {
      return fail(
        "the server has no namespace for other users' folders: a grant would be invisible",
        'the shared namespace of config/dovecot/mandat.conf',
      );
    }
    const { found } = await subject.doveconf();
    if (found !== undefined && (pluginSetting(found, 'acl_shared_dict') ?? '') === '') {
      return fail(
        `${found.source}: acl_shared_dict is not set, so LIST shows no shared mailbox, whatever was granted`,
        'plugin { acl_shared_dict = ... } as in config/dovecot/mandat.conf',
      );
    }
    return ok(`other users' folders are below ${other.prefix}`);
  },
};

/** R36: no right of RFC 4314 covers annotations. */
export const metadata: Check = {
  name: 'metadata',
  needs: [identity],
  look: async (subject) => {
    const opened = await subject.opened();
    if (opened?.connection.has('METADATA') !== true) return ok('the server offers no METADATA');
    return warn(
      "the server offers METADATA: a delegate can write annotations on the owner's folders, and no ACL right stops it",
      'imap_metadata = no in Dovecot, unless a client needs it',
    );
  },
};
