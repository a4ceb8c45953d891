/** Who may be named as the author, on real rows: however the address is written, and however the delegation stands. R1, R31. */
import { copyFileSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import { authorsOf } from '../../acl/authors.ts';
import type { GuardSettings } from '../../acl/guard.ts';
import { readHeader } from '../../acl/header-fields.ts';
import { canonical } from '../../acl/rights.ts';
import { decide, type SubmissionRules } from '../../acl/submission.ts';
import { changed } from '../../acl/verdict.ts';
import { guard, release } from '../../bridge/safeguards/guard.ts';
import { acceptRestored, rememberVersion, tableAge } from '../../bridge/safeguards/table-from-the-past.ts';
import type { DataFiles } from '../../bridge/store/files/data-files.ts';
import { openClock } from '../../bridge/store/state/facts.ts';
import { beginGrant } from '../../bridge/store/state/ledger.ts';
import type { StateDb } from '../../bridge/store/state/state-db.ts';
import { openDelegationDb } from '../../bridge/store/table/delegation-db.ts';
import { openAuthority } from '../../bridge/submission/authority.ts';
import { freshFiles, openState } from '../store/fresh.ts';
import { rows } from '../store/shell.ts';

const NOW = '2026-11-23T08:00:00.000Z';
const POLICY = {
  rights: canonical('lrswipkxte'),
  rules: { unknownCredential: 'valid', terms: null },
} as const;
/** Holds what goes beyond one pair. */
const GUARD: GuardSettings = { enabled: true, maxPairs: 1, maxPercent: 0 };
const RULES: SubmissionRules = { mode: 'on-behalf', onMismatch: 'reject', onImitation: 'reject' };

/** bob has a mailbox here, dora elsewhere, fay and gus none (fay was asked for the terms of use: R43), the others have delegations that are not in force. erin has delegated to nobody. */
const ROWS = `
INSERT INTO mailbox (address, login) VALUES ('alice@xn--bcher-kva.test', 'alice'), ('bob@x.test', 'bob'), ('erin@x.test', 'erin');
INSERT INTO alias (address, mailbox) VALUES ('dr.alice@x.test', 'alice@xn--bcher-kva.test'), ('robert@x.test', 'bob@x.test'), ('kim@x.test', 'bob@x.test');
INSERT INTO delegate (id, login, credential_valid_until) VALUES ('bob', 'bob', NULL), ('dora', 'dora@far.test', NULL), ('fay', 'fay@far.test', NULL), ('gus', 'gus', NULL),
  ('susp', 'susp', NULL), ('lapsed', 'lapsed', '${NOW}'), ('late', 'late', NULL), ('over', 'over', NULL);
INSERT INTO delegation (mailbox, delegate, starts_at, ends_at) VALUES ('alice@xn--bcher-kva.test', 'bob', NULL, NULL),
  ('alice@xn--bcher-kva.test', 'dora', NULL, NULL), ('alice@xn--bcher-kva.test', 'fay', NULL, NULL),
  ('alice@xn--bcher-kva.test', 'gus', NULL, NULL), ('alice@xn--bcher-kva.test', 'susp', NULL, NULL),
  ('alice@xn--bcher-kva.test', 'lapsed', NULL, NULL), ('alice@xn--bcher-kva.test', 'late', '2026-11-23T08:00:00.001Z', NULL),
  ('alice@xn--bcher-kva.test', 'over', NULL, '${NOW}');
UPDATE delegations SET suspended = 1 WHERE delegate_id = (SELECT id FROM delegates WHERE identifier = 'susp');
UPDATE delegates SET terms_version = '1' WHERE identifier = 'fay';
`;

const PUNY = 'alice@xn--bcher-kva.test';

interface Site {
  readonly files: DataFiles;
  readonly state: StateDb;
}

async function siteWith(t: Test): Promise<Site> {
  const files = freshFiles(t);
  rows(files.delegations, ROWS);
  return { files, state: openState(t, files) };
}

/** The header that goes on, or the code and what it is about. Every time on a table opened anew, as one that was put back is. */
async function outcome({ files, state }: Site, login: string, header: string, mailFrom = ''): Promise<string> {
  const read = readHeader(Buffer.from(header).toString('latin1'));
  if (read.kind === 'unreadable') return read.why;
  const mail = { login, mailFrom, utf8: true, fields: read.fields };
  const authors = authorsOf(mail);
  if (authors.kind === 'refuse') return `${authors.code}`;
  const table = openDelegationDb(files.delegations);
  const watched = openDelegationDb(files.delegations);
  try {
    const clock = await openClock(state, () => new Date(NOW));
    const authority = openAuthority(table, watched, state, clock, () => POLICY, GUARD);
    const verdict = decide(mail, authors, await authority.rights(login, authors.addresses), RULES);
    if (verdict.kind !== 'pass') return `${verdict.code} ${/<(.*?)>/.exec(verdict.text)?.[1] ?? ''}`;
    return Buffer.from(changed(read.fields, verdict.changes), 'latin1').toString('utf8');
  } finally {
    await table.close();
    await watched.close();
  }
}

const from = (address: string) => `From: <${address}>\r\n`;
const BY_BOB = 'Sender: <bob@x.test>\r\n';

/** login, header, what goes on or is refused, why. */
const TABLE: readonly (readonly [string, string, string, string])[] = [
  ['bob', from('BOB@X.Test'), from('BOB@X.Test'), 'upper case, own'],
  ['bob', from('bob+shop@x.test'), from('bob+shop@x.test'), '+ext, own'],
  ['bob', from('robert+shop@x.test'), from('robert+shop@x.test'), '+ext of an own alias'],
  ['bob', from('bob+x@far.test'), '550 bob+x@far.test', '+ext of nobody'],
  ['bob', from('+x@x.test'), '550 +x@x.test', 'nothing but an extension'],
  ['bob', from(PUNY), from(PUNY) + BY_BOB, 'on behalf, punycode'],
  ['bob', from('alice@bücher.test'), from('alice@bücher.test') + BY_BOB, 'the same domain in Unicode'],
  ['bob', from('Alice@BÜCHER.test'), from('Alice@BÜCHER.test') + BY_BOB, 'and in upper case'],
  ['bob', from('ALICE@XN--BCHER-KVA.TEST'), from('ALICE@XN--BCHER-KVA.TEST') + BY_BOB, 'punycode in upper case'],
  ['bob', from('alice@bu\u0308cher.test'), from('alice@bu\u0308cher.test') + BY_BOB, 'decomposed'],
  ['bob', from('alice@bücher.test.'), '550', 'a dot at the end'],
  ['bob', from('alice@b\u03ccher.test'), '550 alice@b\u03ccher.test', 'a domain that only looks like it'],
  [
    'bob',
    from('alice@bücher\uff0etest'),
    '550 alice@bücher\uff0etest',
    'a full-width dot reads otherwise than it is written',
  ],
  ['bob', from('KIM@x.test'), from('KIM@x.test'), 'an own alias in upper case'],
  ['bob', from('\u212aim@x.test'), '550 \u212aim@x.test', 'a sign whose lower case is an ASCII letter'],
  ['bob', from('alicé@bücher.test'), '550 alicé@bücher.test', 'another local part'],
  ['bob', from(`alice+x@xn--bcher-kva.test`), from(`alice+x@xn--bcher-kva.test`) + BY_BOB, "+ext, the owner's"],
  ['bob', from('dr.alice@x.test'), from('dr.alice@x.test') + BY_BOB, "an alias of the owner's"],
  ['bob', from('Dr.Alice+y@x.test'), from('Dr.Alice+y@x.test') + BY_BOB, 'the same, in another case, with +ext'],
  ['dora@far.test', from(PUNY), `${from(PUNY)}Sender: <dora@far.test>\r\n`, 'a delegate whose mailbox is elsewhere'],
  [
    'fay@far.test',
    from(PUNY),
    from(PUNY),
    'a delegate without a mailbox: no Sender, though the login looks like an address',
  ],
  ['gus', from(PUNY), from(PUNY), 'nor where it does not'],
  ['erin', from(PUNY), `550 ${PUNY}`, 'nobody delegated to her'],
  ['susp', from(PUNY), `550 ${PUNY}`, 'suspended'],
  ['lapsed', from(PUNY), `550 ${PUNY}`, 'the credential lapses at this instant'],
  ['late', from(PUNY), `550 ${PUNY}`, 'starts in a millisecond'],
  ['over', from(PUNY), `550 ${PUNY}`, 'ends at this instant'],
  ['alice', from(PUNY), from(PUNY), 'the owner'],
  ['alice', from('bob@x.test'), '550 bob@x.test', 'who may not send as their delegate'],
  [
    'bob',
    `${from('bob@x.test')}Resent-From: <${PUNY}>\r\n`,
    `${from('bob@x.test')}Resent-From: <${PUNY}>\r\n`,
    'Resent-From',
  ],
  ['bob', `${from('bob@x.test')}Resent-From: <erin@x.test>\r\n`, '550 erin@x.test', 'Resent-From, not theirs'],
  [
    'bob',
    `${from(PUNY)}Reply-To: <erin@x.test>\r\n`,
    `${from(PUNY)}${BY_BOB}Reply-To: <erin@x.test>\r\n`,
    'Reply-To is free',
  ],
  ['bob', `From: <${PUNY}>, <bob@x.test>\r\n`, `From: <${PUNY}>, <bob@x.test>\r\n${BY_BOB}`, 'two, both allowed'],
  ['bob', `From: <${PUNY}>, <erin@x.test>\r\n`, '550 erin@x.test', 'two, the second not allowed'],
  ['bob', `From: <erin@x.test>, <${PUNY}>\r\n`, '550 erin@x.test', 'two, the first not allowed'],
];

t.test('the table', async (t) => {
  const site = await siteWith(t);
  for (const [login, header, gives, why] of TABLE) {
    t.equal((await outcome(site, login, header)).trimEnd(), gives.trimEnd(), `${why}: ${login}, ${header.trimEnd()}`);
  }
  t.equal(
    await outcome(site, 'bob', from('bob@x.test'), 'dr.alice+z@x.test'),
    from('bob@x.test'),
    'in the envelope too',
  );
  t.equal(await outcome(site, 'bob', from('bob@x.test'), 'erin@x.test'), '550 erin@x.test');
});

/** In the ledger, as after a pass. */
async function standing({ files, state }: Site, identifier: string): Promise<void> {
  const [ids = ''] = rows(
    files.delegations,
    `SELECT m.id, d.id FROM mailboxes m, delegates d WHERE m.login = 'alice' AND d.identifier = '${identifier}'`,
  );
  const [mailboxId = 0, delegateId = 0] = ids.split('|').map(Number);
  const names = { address: PUNY, server: 'main', ownerLogin: 'alice', login: identifier };
  const before = { inboxBefore: undefined, foldersBefore: [], given: [POLICY.rights] };
  await beginGrant(state, { mailboxId, delegateId, ...names, ...before }, NOW);
}

t.test(
  'a row that has disappeared gives nothing: a revoke is 550, and what the guard holds is tried again',
  async (t) => {
    const site = await siteWith(t);
    await standing(site, 'bob');
    await standing(site, 'gus');
    const gone = (...people: readonly string[]) =>
      rows(
        site.files.delegations,
        `DELETE FROM delegation WHERE delegate IN (${people.map((one) => `'${one}'`).join(', ')})`,
      );
    t.equal(await outcome(site, 'bob', from(PUNY)), from(PUNY) + BY_BOB);
    gone('gus');
    t.equal(await outcome(site, 'gus', from(PUNY)), `550 ${PUNY}`, 'one is a revoke, before any pass has seen it');
    gone('bob');
    for (const login of ['bob', 'gus'])
      t.equal(await outcome(site, login, from(PUNY)), `451 ${PUNY}`, `${login}: held`);
    t.equal(await outcome(site, 'bob', from('bob@x.test'), PUNY), `451 ${PUNY}`, 'in the envelope');
    t.equal(await outcome(site, 'bob', `${from('bob@x.test')}Resent-From: <${PUNY}>\r\n`), `451 ${PUNY}`);
    t.equal(await outcome(site, 'susp', from(PUNY)), `550 ${PUNY}`, 'who had none to lose is told so');
    t.equal(await outcome(site, 'bob', from('bob@x.test')), from('bob@x.test'), 'and for themselves they send on');

    const table = openDelegationDb(site.files.delegations, { writes: true });
    await release(table, await guard(table, site.state, GUARD), 'admin:marie');
    await table.close();
    t.equal(await outcome(site, 'bob', from(PUNY)), `550 ${PUNY}`, 'until somebody says that it was meant');
  },
);

t.test('a table from the past takes away, and gives only what stood, until it is accepted', async (t) => {
  const site = await siteWith(t);
  const { files, state } = site;
  const looked = async (work: (table: ReturnType<typeof openDelegationDb>) => Promise<unknown>) => {
    const table = openDelegationDb(files.delegations, { writes: true });
    await work(table);
    await table.close();
  };
  await standing(site, 'bob');
  await looked((table) => rememberVersion(table, state));
  const kept = `${files.delegations}.yesterday`;
  rows(files.delegations, `VACUUM INTO '${kept}'`);
  rows(files.delegations, `DELETE FROM delegation WHERE delegate = 'dora'`);
  await looked((table) => rememberVersion(table, state));
  t.equal(await outcome(site, 'dora@far.test', from(PUNY)), `550 ${PUNY}`, 'revoked');
  for (const end of ['', '-wal', '-shm']) rmSync(files.delegations + end, { force: true });
  copyFileSync(kept, files.delegations);

  for (const seen of ['before any sidecar has looked', 'held']) {
    t.equal(await outcome(site, 'dora@far.test', from(PUNY)), `550 ${PUNY}`, seen);
    t.equal(await outcome(site, 'bob', from(PUNY)), from(PUNY) + BY_BOB, `${seen}: what stood goes on`);
    await looked((table) => tableAge(table, state));
  }
  rows(files.delegations, `DELETE FROM delegation WHERE delegate = 'bob'`);
  t.equal(await outcome(site, 'bob', from(PUNY)), `550 ${PUNY}`, 'and it takes away');
  await acceptRestored(state);
  t.equal(await outcome(site, 'dora@far.test', from(PUNY)), `${from(PUNY)}Sender: <dora@far.test>\r\n`, 'accepted');
});
