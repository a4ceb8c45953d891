/** The way of a copy into an owner's Sent: Postfix routes the domain that only it knows, to where we listen. */
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { existingSubmissionStore } from '../configured/stores.ts';
import { LARGEST_COPY } from '../submission/copy-listener.ts';
import { type Door, doorAt } from '../submission/listening-place.ts';
import { missingCopies } from '../submission/missing-copies.ts';
import { ownState } from './databases.ts';
import type { Subject } from './examined-site.ts';
import { POSTFIX } from './files.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import { barrier, may, modeOf, ownersOf, userNamed } from './permissions.ts';
import type { Postfix } from './postconf.ts';
import { mapsIn } from './sender-maps.ts';
import { here, postfix } from './submission.ts';

/** Undefined where no copies are made. */
const copies = ({ config: { submission } }: Subject) => (submission?.sentCopy === 'owner' ? submission : undefined);
const NO_COPIES = 'no copies are made: no [submission], or sent_copy = "none"';

const TRANSPORT = 'mandat-copy';
const MAIN = 'config/postfix/copy.main.cf.fragment';
const MASTER = 'config/postfix/copy.master.cf.fragment';

/** A domain in one of these is the site's own, and open to everybody on port 25. */
const OWN = ['mydestination', 'relay_domains', 'virtual_mailbox_domains', 'virtual_alias_domains'];

export const copyRoute: Check = {
  name: 'route of copies',
  needs: [postfix],
  look: async (subject) => {
    const wanted = copies(subject);
    if (wanted === undefined) return skipped(NO_COPIES);
    const { copyDomain } = wanted;
    const door = doorAt(wanted.copyListen, subject.config);
    const nexthop = door.kind === 'socket' ? `unix:${door.path}` : `inet:${door.host}:${door.port}`;
    const found = await here(subject);
    const open = OWN.find((list) =>
      found
        .main(list)
        .split(/[\s,]+/)
        .includes(copyDomain),
    );
    if (open !== undefined) {
      return fail(`${open} holds ${copyDomain}: port 25 takes mail for it from anybody`, `take it out of ${open}`);
    }
    const route = await routeOf(found, copyDomain);
    if (route !== `${TRANSPORT}:${nexthop}`) {
      const seen = route === undefined ? 'to nobody: copies are lost' : `to ${route}`;
      return fail(
        `Postfix brings mail for ${copyDomain} ${seen}`,
        `transport_maps as in ${MAIN}: ${copyDomain} = ${TRANSPORT}:${nexthop}`,
      );
    }
    const service = found.lmtp.find(({ name }) => name === TRANSPORT);
    if (service === undefined) return fail(`master.cf has no service ${TRANSPORT}`, `add ${MASTER} to master.cf`);
    if (service.chroot && door.kind === 'socket') {
      return fail(`the service ${TRANSPORT} is chrooted: it can't reach ${door.path}`, MASTER);
    }
    const limit = Number(found.main('message_size_limit'));
    if (limit === 0 || limit > LARGEST_COPY) {
      return warn(
        `message_size_limit = ${limit}: a copy above ${LARGEST_COPY} octets is refused`,
        `give at most ${LARGEST_COPY}`,
      );
    }
    return ok(`${copyDomain} goes to ${route}, and is nobody else's`);
  },
};

async function routeOf(found: Postfix, domain: string): Promise<string | undefined> {
  for (const map of mapsIn(found.main('transport_maps'))) {
    const answer = await found.lookUp(domain, map);
    if (answer.kind === 'found') return answer.values.join(' ');
  }
  return undefined;
}

export const copyListener: Check = {
  name: 'taking of copies',
  needs: [],
  look: async (subject) => {
    const wanted = copies(subject);
    if (wanted === undefined) return skipped(NO_COPIES);
    const { copyListen } = wanted;
    const door = doorAt(copyListen, subject.config);
    if (!(await greets(door))) {
      return warn(
        `nobody takes copies at ${copyListen}: they wait in Postfix's queue`,
        'start the sidecar ("mandat run"), or "mandat filter"',
      );
    }
    const user = userNamed(POSTFIX);
    if (user === undefined || door.kind === 'port') return ok(copyListen);
    const { path } = door;
    const closed = barrier(user, path);
    if (closed !== undefined) return fail(`user ${POSTFIX} can't pass through ${closed}`, `chmod o+x ${closed}`);
    const stat = statSync(path);
    if (may(user, stat, 'write')) return ok(`${path}, mode ${modeOf(stat)}, ${ownersOf(stat)}`);
    return fail(
      `user ${POSTFIX} may not connect to ${path} (mode ${modeOf(stat)}, ${ownersOf(stat)})`,
      '[sender_rules] group must be the one that Postfix runs with, and the user of the sidecar be in it',
    );
  },
};

/** Whatever keeps them: what the owner's Sent lacks is seen by nobody else. */
export const copiesKept: Check = {
  name: 'copies in Sent',
  needs: [ownState],
  look: async (subject) => {
    if (copies(subject) === undefined) return skipped(NO_COPIES);
    const store = await existingSubmissionStore(subject.config);
    if (store === undefined) return ok('nobody has sent for anybody yet');
    try {
      const missing = missingCopies(await store.missing(), subject.now());
      const [first, ...more] = missing;
      if (first === undefined) return ok('none is missing');
      const { mailbox, count, since, message, hint, queued } = first;
      const all = missing.reduce((sum, one) => sum + one.count, 0);
      const fate = queued ? "they wait in Postfix's queue" : 'they were given up';
      const others = more.length === 0 ? '' : `; ${all - count} more, which "mandat status" lists`;
      return warn(`of ${mailbox} ${count} not there, since ${since}: ${message}; ${fate}${others}`, hint || LISTED);
    } finally {
      store.close();
    }
  },
};

const LISTED = '"mandat status" says more of each; "postqueue -f" tries at once';
const PATIENCE_MS = 2000;

function greets(door: Door): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(door.kind === 'socket' ? { path: door.path } : { host: door.host, port: door.port });
    const answer = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.setTimeout(PATIENCE_MS, () => answer(false));
    socket.once('data', (bytes) => answer(bytes.toString('latin1').startsWith('220 ')));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}
