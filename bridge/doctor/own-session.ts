/** A session in an owner's mailbox: whose it is, and what it shows of other users' folders. */
import { failureOf } from '../shared/failure.ts';
import { fragmentOf, type Syntax } from './dovecot-syntax.ts';
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
      const advice = (await subject.dialect())?.advice;
      if (advice !== undefined) return withOtherWay(subject, error, failureOf(error).hint || advice.identity);
      const dovecot = await subject.dovecot();
      const hint = line(dovecot?.syntax, ({ aclUser }) => aclUser, 'acl_user');
      return withOtherWay(subject, error, `${hint}; ${failureOf(error).hint}`);
    }
  },
};

export const sharedNamespace: Check = {
  name: 'shared namespace',
  needs: [identity],
  look: async (subject) => {
    const opened = await subject.opened();
    const dialect = await subject.dialect();
    const namespaces = await opened?.connection.namespaces();
    const spaces = dialect?.inSharedNamespaces === true ? namespaces?.foreign : namespaces?.others;
    if (spaces?.[0] === undefined) {
      return fail(
        "the server has no namespace for other users' folders: a grant would be invisible",
        dialect?.advice?.namespace ??
          `the shared namespace of ${fragmentOf((await subject.dovecot())?.syntax, 'mandat.conf')}`,
      );
    }
    const { found } = await subject.doveconf();
    if (found !== undefined && !found.syntax.hasSharingMap(found.all)) {
      return fail(
        `${found.source}: ${found.syntax.sharingMapName} is not set, so LIST shows no shared mailbox, whatever was granted`,
        line(found.syntax, ({ sharingMap }) => sharingMap, found.syntax.sharingMapName),
      );
    }
    return ok(`other users' folders are below ${spaces.map(({ prefix }) => prefix).join(', or ')}`);
  },
};

/** A line of mandat.conf that is missing; by its name where Dovecot's version isn't known. */
function line(syntax: Syntax | undefined, which: (lines: Syntax['lines']) => string, name: string): string {
  return `${syntax === undefined ? name : which(syntax.lines)} as in ${fragmentOf(syntax, 'mandat.conf')}`;
}

/** R36: no right of RFC 4314 covers annotations. */
export const metadata: Check = {
  name: 'metadata',
  needs: [identity],
  look: async (subject) => {
    const opened = await subject.opened();
    if (opened?.connection.has('METADATA') !== true) return ok('the server offers no METADATA');
    return warn(
      "the server offers METADATA: a delegate can write annotations on the owner's folders, and no ACL right stops it",
      (await subject.dialect())?.advice?.metadata ?? 'imap_metadata = no in Dovecot, unless a client needs it',
    );
  },
};
