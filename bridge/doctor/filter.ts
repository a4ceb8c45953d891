/** The submission filter: that it answers, that Postfix hands messages to it, and that nobody else reaches the port behind it. */
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { asRoot } from '../shared/unix-user.ts';
import { dataOwner } from '../store/files/directories.ts';
import { filtersSeen } from '../submission/last-filter.ts';
import { doorOf, hostAndPort } from '../submission/listening-place.ts';
import type { Subject } from './examined-site.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import type { Postfix, Service } from './postconf.ts';
import { here, postfix, users } from './submission.ts';

const NONE = 'not configured ([submission]): From is what the client wrote';
const WAIT_MS = 5000;
/** Of smtpd_forbid_bare_newline: CRLF.CRLF is needed. Nothing of the kind before Postfix 3.7.10 and 3.8.5. */
const END_OF_DATA = /^(?:yes|normalize|reject)$/;

export const submissionFilter: Check = {
  name: 'submission filter',
  needs: [],
  look: async ({ config, state }) => {
    if (config.submission === undefined) return skipped(NONE);
    const door = doorOf(config);
    const greeting = await firstLine(door.kind === 'socket' ? { path: door.path } : door);
    if (greeting === undefined) {
      return fail(
        `nothing answers on ${config.submission.listen}: nobody can submit mail`,
        'start "mandat run" or "mandat filter"',
      );
    }
    if (!/^220 .*submission filter/.test(greeting)) {
      return fail(`another program answers on ${config.submission.listen}`, 'see [submission] listen');
    }
    if (door.kind === 'port') {
      return warn(
        'it answers on a port, where every user of this machine may claim any login',
        'a Unix socket in [submission] listen',
      );
    }
    const others = config.database === undefined ? [] : await filtersSeen(await state(), config);
    const down = others.filter(({ runs }) => !runs);
    if (down.length > 0) {
      const each = down.map(({ name, host, heard }) => `${name} (on ${host}, heard of last at ${heard})`).join(', ');
      return warn(
        `it answers on ${door.path}; of the other filters of this server, not running: ${each}`,
        'start "mandat filter" there; one that was taken out of use is forgotten after a day',
      );
    }
    const beside = others.length > 1 ? `; filters of this server: ${others.map(({ name }) => name).join(', ')}` : '';
    return ok(`it answers on ${door.path}${beside}`);
  },
};

export const filterInPostfix: Check = {
  name: 'filter in Postfix',
  needs: [submissionFilter, postfix],
  look: async (subject) => {
    if (subject.config.submission === undefined) return skipped(NONE);
    const found = await here(subject);
    const { smtpd } = found;
    const remedy =
      'config/postfix/submission.cf.fragment below each service where users log in, whose line in master.cf has n in its fifth column (no chroot)';
    for (const service of users(smtpd)) {
      if (service.setting('smtpd_proxy_filter') === '')
        return fail(`${service.name} hands its messages to no filter`, remedy);
      const elsewhere = wrongSocket(subject, found, service);
      if (elsewhere !== undefined) return fail(elsewhere, remedy);
      if (service.setting('smtpd_sasl_authenticated_header') !== 'yes') {
        return fail(`${service.name} does not tell the filter who has logged in`, remedy);
      }
      // From Postfix 3.10 on.
      if (/^yes$/i.test(service.setting('smtpd_hide_client_session')))
        return fail(
          `${service.name} keeps who has logged in out of the Received field, where the filter reads it`,
          '-o smtpd_hide_client_session=no there, as in config/postfix/submission.cf.fragment; the filter takes the login out again ([submission] hide_login)',
        );
      if (!END_OF_DATA.test(service.setting('smtpd_forbid_bare_newline'))) {
        return warn(`at ${service.name} a bare LF ends a message too, so that one can be made two`, remedy);
      }
    }
    return ok('every service where users log in hands its messages to a filter');
  },
};

/** A chrooted smtpd sees its queue directory as the top of everything. */
function wrongSocket({ config }: Subject, found: Postfix, service: Service): string | undefined {
  const door = doorOf(config);
  const named = /^unix:(.*)$/.exec(service.setting('smtpd_proxy_filter'))?.[1];
  if (door.kind === 'port' || named === undefined) return undefined;
  const top = service.chroot ? found.main('queue_directory') : '';
  if (top !== '' && !door.path.startsWith(`${top}/`)) {
    return `${service.name} is chrooted to ${top}: it can't reach ${door.path}, and every submission is answered 451`;
  }
  const wanted = door.path.slice(top.length);
  return named === wanted
    ? undefined
    : `${service.name} hands its messages to ${named}, and the filter listens on ${door.path}`;
}

export const reinjection: Check = {
  name: 're-injection port',
  needs: [submissionFilter],
  look: async (subject) => {
    const { submission } = subject.config;
    if (submission === undefined) return skipped(NONE);
    const address = hostAndPort(submission.reinject);
    const { uid, gid } = dataOwner(subject.files) ?? { uid: 0, gid: 0 }; // whom the data belongs to is whom mandat runs as
    const other = process.getuid?.() === 0 && uid !== 0; // root isn't let through either
    const reached = other ? reachedBy({ uid, gid }, address) : (await firstLine(address)) !== undefined;
    if (reached === false) {
      return fail(
        `Postfix does not answer on ${submission.reinject}${other ? `, asked by user ${uid}, who owns data_dir` : ''}`,
        'config/postfix/reinject.cf.fragment in master.cf, and in config/nftables/mandat.nft the user that mandat runs as',
      );
    }
    const elsewhere = await beyondLoopback(subject, address.port);
    if (elsewhere !== undefined)
      return fail(`${elsewhere} is open to other machines`, 'name it 127.0.0.1:PORT in master.cf');
    if (reached === undefined) return skipped(`user ${uid}, who owns data_dir, may not run ${process.execPath}`);
    if (process.getuid?.() !== 0) return skipped('only root can try it as another user');
    const nobody = reachedBy(NOBODY, address);
    if (nobody === undefined)
      return skipped(`user nobody may not run ${process.execPath}, so that they can't be tried`);
    if (nobody) {
      return fail(
        `every user of this machine reaches ${submission.reinject}, and sends there as anybody`,
        'config/nftables/mandat.nft',
      );
    }
    return ok(`${submission.reinject} answers mandat, and not user nobody`);
  },
};

/** A service of this port that isn't bound to loopback, as master.cf names it. */
async function beyondLoopback(subject: Subject, port: number): Promise<string | undefined> {
  const { found } = await subject.postfix();
  return found?.smtpd.find(
    ({ name }) => name === String(port) || (name.endsWith(`:${port}`) && !/^(?:127\.|\[::1\]|localhost:)/.test(name)),
  )?.name;
}

function firstLine(address: net.NetConnectOpts): Promise<string | undefined> {
  return new Promise((answer) => {
    const socket = net.connect(address);
    const end = (line?: string) => {
      socket.destroy();
      answer(line);
    };
    socket.setTimeout(WAIT_MS, () => end());
    socket.on('error', () => end());
    socket.on('close', () => end());
    socket.once('data', (bytes) => end(bytes.toString('utf8').split('\r\n')[0]));
  });
}

const NOBODY = { uid: 65_534, gid: 65_534 };
const REACHED = 0;
const REFUSED = 3;

/** Whether a user hears anything there, by a process of theirs; undefined where they may not run one. */
function reachedBy(
  user: { readonly uid: number; readonly gid: number },
  { host, port }: { readonly host: string; readonly port: number },
): boolean | undefined {
  const script = `
    const refused = () => process.exit(${REFUSED});
    setTimeout(refused, ${WAIT_MS});
    const socket = require('node:net').connect(${port}, ${JSON.stringify(host)}).on('error', refused).on('close', refused);
    socket.once('data', () => process.exit(${REACHED}));`;
  const options = { ...user, env: {}, cwd: '/', stdio: 'ignore' } as const;
  const { status } = asRoot(() => spawnSync(process.execPath, ['-e', script], options));
  return status === REACHED || (status === REFUSED ? false : undefined);
}
