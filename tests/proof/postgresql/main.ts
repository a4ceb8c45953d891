/**
 * `npm run proof:postgresql`: the connection to PostgreSQL is cut at the n-th request of a whole grant and a whole revoke, of the command's and of the
 * sidecar's alike, for every n; before the server has heard of it, and between what it does and its answer. After each one the command must have told the
 * truth, and table, server, sender rules and trail must agree. Options: `-- --step N` every N-th request only, `--most N` so many cuts at most;
 * `--octets N` cuts behind every N-th octet of either side instead, in the midst of what is asked and answered; `--every-octet` behind each single one of
 * what the two write, without the mail servers between (every-octet.ts).
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openSenderMap } from '../../../bridge/store/published/sender-map.ts';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { at, startSite } from '../../servers/site.ts';
import { keepSitesInPostgresql } from '../../servers/site-in-postgresql.ts';
import { seen } from '../../servers/wire.ts';
import { startPostgresProxy } from '../../store/postgres-proxy.ts';
import { openFaultyWire, type Side } from '../faults/faulty-wire.ts';
import { everyOctet } from './every-octet.ts';

const { values } = parseArgs({
  options: {
    step: { type: 'string' },
    most: { type: 'string' },
    octets: { type: 'string' },
    'every-octet': { type: 'boolean' },
    minutes: { type: 'string' },
  },
});
const STEP = Number(values.octets ?? values.step ?? 1);
const MOST = Number(values.most ?? Number.POSITIVE_INFINITY);
const LIMIT_MS = 60_000;

/** Where it is cut: at a request, or behind an octet of a side. */
type Kind = 'cut-before' | 'cut-after' | Side;
const KINDS: readonly Kind[] = values.octets === undefined ? ['cut-before', 'cut-after'] : ['client', 'server'];
const HOW: Readonly<Record<Kind, string>> = {
  'cut-before': 'before it is heard',
  'cut-after': 'before the answer',
  client: 'behind what is asked',
  server: 'behind what is said',
};

interface Figures {
  cuts: number;
  done: number;
  notDone: number;
  notKnown: number;
}

const postgresql = await startPostgresql({ extra: 'synchronous_commit = on' });
if (values['every-octet']) {
  const held = await everyOctet(postgresql, {
    step: STEP,
    most: MOST,
    minutes: Number(values.minutes ?? Number.POSITIVE_INFINITY),
  }).finally(() => postgresql.stop());
  process.exit(held ? 0 : 1);
}
const proxy = await startPostgresProxy(postgresql.port);
const wire = await openFaultyWire({ host: '127.0.0.1', port: proxy.port });
keepSitesInPostgresql(() => postgresql, wire.port);
const site = await startSite({
  users: ['alice', 'bob'],
  postfix: false,
  extraToml: '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1',
});
const broken: string[] = [];
try {
  await site.register('alice', 'bob');
  const sidecar = await site.run();
  const access = async () => Object.keys(await seen(site, 'alice', 'bob')).length > 0;
  const mayUse = () => {
    const map = openSenderMap(site.lab.senderDirectory, { readonly: true });
    const found = map.rules(1).some(({ login }) => login === at('bob'));
    map.close();
    return found;
  };
  const rowThere = async () => (await site.sql('SELECT count(*) FROM delegations')) === '1\n';
  const command = (granting: boolean) =>
    granting ? site.mandat('grant', at('alice'), at('bob')) : site.mandat('revoke', at('alice'), at('bob'), '--yes');
  const residentKb = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${sidecar.pid}/status`, 'utf8'))?.[1]);

  /** Rows that came and went, as the trail must have them. */
  const changes = { grant: 0, revoke: 0 };

  async function settled(where: string): Promise<void> {
    const wanted = await rowThere();
    const agrees = async () => (await access()) === wanted && mayUse() === wanted;
    await waitFor('it agrees', LIMIT_MS, agrees).catch(() =>
      broken.push(`${where}: the row is ${wanted}, the servers say otherwise`),
    );
    await site.settled(LIMIT_MS).catch(() => broken.push(`${where}: it never settles`));
  }

  /** False where neither the command nor the sidecar made so many requests. */
  async function once(granting: boolean, n: number, kind: Kind, figures: Figures): Promise<boolean> {
    const where = `${granting ? 'grant' : 'revoke'}, ${kind} ${n}`;
    let count = 0;
    let cut = '';
    if (kind === 'client' || kind === 'server') wire.set({ kind: 'cut', of: kind, after: n - 1 });
    else
      proxy.decide = (sql) => {
        if (++count !== n) return 'pass';
        cut = sql;
        return kind;
      };
    const { status, stdout, stderr } = await command(granting);
    if (wire.happened) cut = `octet ${n}`;
    wire.clear();
    proxy.decide = () => 'pass';
    const there = await rowThere();
    const said = `${where} (${cut.slice(0, 60)}): exit ${status}: ${stdout}${stderr}`;
    if (status === 0 && there !== granting) broken.push(`said to be done, and isn't: ${said}`);
    if (status !== 0 && status !== 5 && there !== granting) broken.push(`neither done nor to be tried again: ${said}`);
    if (/nothing of this is done/.test(stderr) && there === granting)
      broken.push(`said not to be done, and is: ${said}`);
    if (cut !== '') {
      figures.cuts++;
      if (status === 0) figures.done++;
      else if (/is not known/.test(stderr)) figures.notKnown++;
      else figures.notDone++;
    }
    if (there !== granting) {
      const again = await command(granting);
      if ((await rowThere()) !== granting) broken.push(`can't be done again: ${said}, then ${again.stderr}`);
    }
    changes[granting ? 'grant' : 'revoke']++;
    await settled(where);
    return cut !== '' && figures.cuts < MOST;
  }

  const before = residentKb();
  console.log('what       cut                        cuts   done   not done, and said   not known, and said');
  for (const fate of KINDS) {
    const figures = {
      grant: { cuts: 0, done: 0, notDone: 0, notKnown: 0 },
      revoke: { cuts: 0, done: 0, notDone: 0, notKnown: 0 },
    };
    const more = { grant: true, revoke: true };
    for (let n = 1; more.grant || more.revoke; n += STEP) {
      for (const verb of ['grant', 'revoke'] as const) {
        if (more[verb]) more[verb] = await once(verb === 'grant', n, fate, figures[verb]);
        else {
          await command(verb === 'grant');
          changes[verb]++;
          await settled(`${verb} that nothing cuts`);
        }
      }
    }
    for (const [verb, { cuts, done, notDone, notKnown }] of Object.entries(figures)) {
      const how = HOW[fate];
      console.log(
        `${verb.padEnd(10)} ${how.padEnd(22)} ${[cuts, done].map((one) => String(one).padStart(8)).join('')} ${String(notDone).padStart(12)} ${String(notKnown).padStart(20)}`,
      );
    }
  }
  const counted = async (action: string) => {
    const { stdout } = await site.mandat('audit', 'export');
    return stdout.split('\n').filter((line) => line.includes(`"action":"${action}"`)).length;
  };
  for (const action of ['grant', 'revoke'] as const) {
    await waitFor('the trail has them', LIMIT_MS, async () => (await counted(action)) >= changes[action]).catch(
      () => {},
    );
    const found = await counted(action);
    if (found !== changes[action])
      broken.push(`the trail has ${found} times ${action}, and there were ${changes[action]}`);
  }
  const { status } = await site.mandat('audit', 'verify');
  if (status !== 0) broken.push('the trail is not proven');
  console.log(
    `\n${changes.grant} grants and ${changes.revoke} revokes, each in the trail once: ${broken.length === 0 ? 'yes' : 'NO'}`,
  );
  console.log(`the sidecar: the same process, ${before} kB resident before, ${residentKb()} kB after`);
  for (const one of broken) console.log(`BROKEN  ${one}`);
} finally {
  await site.stop();
  await wire.close();
  await proxy.close();
  await postgresql.stop();
}
process.exit(broken.length === 0 ? 0 : 1);
