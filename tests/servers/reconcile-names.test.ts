/** Folder names of every sort, raw on the wire: each gets its entry, its subscription, and loses both. */
import t from 'tap';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { quoted } from '../../config/lab/raw-imap.ts';
import { dryRun, sync, verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { startSite } from './site.ts';
import { does, entriesOf, FULL, seen, sharedName, sorted } from './wire.ts';

/** Modified UTF-7 where a name isn't ASCII (RFC 3501 section 5.1.3). A leading ~ and a tab are refused by Dovecot itself. */
const NAMES: readonly string[] = [
  'avec espace',
  ' devant',
  'derriere ',
  'guillemet "double"',
  'contre\\oblique',
  'pour%cent',
  'etoile*',
  'parenth(eses)',
  '{5}',
  '[crochets]',
  'NIL',
  'tilde~',
  '-bob',
  'dollar$',
  'a,b;c:d',
  "l'apostrophe",
  '&-',
  'a &- b',
  'Re&AOc-us', // Reçus
  'R&AOk-sultats/2024/&AOk-t&AOk-', // Résultats/2024/été
  '&2D3eAA-', // an emoji, outside the basic plane
  '&ZeVnLIqe-', // 日本語
  'INBOX/dessous',
  'inbox2',
  'x'.repeat(200),
  'barre/dessous',
  'mandat-asks-what-is-inherited',
];

/** A / at the end promises folders below it: a folder like any other, but to Dovecot 2.3 with sdbox a name that holds none (\Noselect). */
const WITH_SLASH = ['barre/', 'seule/'];

const VARIANTS = [
  { storage: 'maildir', inherit: false, names: NAMES },
  { storage: 'sdbox', inherit: false, names: [...NAMES, 'un.deux', 'trois. quatre'] },
  { storage: 'sdbox', inherit: true, names: NAMES },
] as const;

for (const { names, ...variant } of VARIANTS) {
  t.test(`${variant.storage}, ${variant.inherit ? 'with' : 'without'} inheritance`, async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob'], postfix: false });
    t.teardown(() => site.stop());
    await does(site, 'alice', ...[...WITH_SLASH, ...names].map((name) => `CREATE ${quoted(name)}`));
    await site.register('alice', 'bob');
    await grantRow(site, 'alice', 'bob');
    const { failures, steps } = await sync(site);
    t.same(failures, []);
    const there = await seen(site, 'alice', 'bob');
    const wanting = names.filter((name) => there[name] !== FULL);
    t.same(wanting, [], 'they have each of them');
    for (const name of WITH_SLASH)
      t.equal(
        there[name.slice(0, -1)],
        variant.storage === 'maildir' || dovecotVersion() === '2.4' ? FULL : undefined,
        `${name} where it is a folder`,
      );
    t.same(
      names.filter((name) => !steps.some((step) => step.kind === 'subscribe' && step.folder === name)),
      [],
      'and is subscribed to it',
    );
    t.same((await dryRun(site)).steps, [], 'a second look finds nothing to do');
    t.same(await verify(site), []);
    for (const name of names) await does(site, 'bob', `SELECT ${quoted(sharedName('alice', name))}`);

    const changed = names[3] ?? '';
    await does(site, 'alice', `SETACL ${quoted(changed)} bob@lab.test lr`);
    t.equal((await seen(site, 'alice', 'bob'))[changed], sorted('lr'));
    await sync(site);
    t.equal((await seen(site, 'alice', 'bob'))[changed], FULL, 'drift is mended by name too');

    await revokeRow(site, 'alice', 'bob');
    const end = await sync(site);
    t.same(end.failures, []);
    t.same(await entriesOf(site, 'alice', 'bob'), {});
    t.same(await seen(site, 'alice', 'bob'), {});
    t.same(
      names.filter((name) => !end.steps.some((step) => step.kind === 'unsubscribe' && step.folder === name)),
      [],
      'and unsubscribed',
    );
  });
}
