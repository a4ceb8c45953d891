/** Programs of the site that ask for people, each with a key: on whose behalf is stated, checked and in the trail. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { OPERATIONS } from '../../bridge/portal/api/operations.ts';
import { SERVICE_ACTIONS } from '../../config/schema/service-actions.ts';
import { mandatAt } from '../cli/warm.ts';
import { apiSite, listed } from './api-site.ts';
import { ADMIN, DOCTOR, MAILBOX, OTHER_DOCTOR, OTHER_MAILBOX, SECRETARY, STRANGER } from './people.ts';

const KEY = 'a-key-of-roundcube-0123456789-abcdefghijk';
const OTHER_KEY = 'a-key-of-sogo-9876543210-abcdefghijklmno';
const PLACE = `/mailboxes/${MAILBOX}/delegations`;

const ROUNDCUBE = `[portal.services.roundcube]
key_file = "roundcube.key"
actions = ["readMe", "listMailboxes", "listMailboxDelegations", "grantDelegation", "revokeDelegation", "readAccount"]
`;
const SOGO = '[portal.services.sogo]\nkey_file = "sogo.key"\nactions = "listMailboxes"\n';

t.same(
  [...SERVICE_ACTIONS].sort(),
  OPERATIONS.filter(({ as }) => as.length === 0 || as.some((one) => one !== 'admin'))
    .map(({ id }) => id)
    .sort(),
  'what a service may be allowed is all that is not an administrator’s',
);

t.test('for whom, and nothing else', async (t) => {
  const site = await apiSite(t, {
    portal: `${ROUNDCUBE}${SOGO}`,
    secrets: { 'roundcube.key': KEY, 'sogo.key': OTHER_KEY },
  });
  const { ask, directory } = site;
  const by = (key: string, method: string, place: string, onBehalf?: string, body?: unknown) =>
    ask(method, place, {
      headers: { authorization: `Bearer ${key}`, ...(onBehalf === undefined ? {} : { 'on-behalf-of': onBehalf }) },
      ...(body === undefined ? {} : { body }),
    });
  const owner = { identifier: DOCTOR, roles: { owner: true, delegate: false, admin: 'none' } };
  t.match((await by(KEY, 'GET', '/me', DOCTOR)).json, owner);
  t.match((await by(KEY, 'GET', '/me', MAILBOX)).json, owner, 'by what they sign in with at a webmail');
  t.match((await by(KEY, 'GET', '/me', 'Sam')).json, { identifier: SECRETARY, roles: { delegate: true } });
  t.equal((await by(KEY, 'POST', PLACE, DOCTOR, { delegate: listed(0) })).status, 201);
  t.match((await by(KEY, 'GET', PLACE, DOCTOR)).json.items, [{ createdBy: `owner:${DOCTOR}` }]);

  const bad: readonly (readonly [string, Promise<{ json: unknown }>, number, string])[] = [
    ['nobody is named', by(KEY, 'GET', '/mailboxes'), 400, 'ON_WHOSE_BEHALF'],
    ['several are', by(KEY, 'GET', '/mailboxes', `${DOCTOR}, ${OTHER_DOCTOR}`), 400, 'ON_WHOSE_BEHALF'],
    ['somebody of another site', by(KEY, 'GET', '/mailboxes', STRANGER), 403, 'MANDAT_ACTOR'],
    ['an administrator is nobody here', by(KEY, 'GET', '/mailboxes', ADMIN), 403, 'MANDAT_ACTOR'],
    ['as an administrator', by(KEY, 'GET', '/mailboxes?as=admin', DOCTOR), 403, 'MANDAT_ACTOR'],
    ['no identifier', by(KEY, 'GET', '/mailboxes', '312345678901'), 422, 'MANDAT_IDENTIFIER'],
    ['another owner’s mailbox', by(KEY, 'GET', `/mailboxes/${OTHER_MAILBOX}/delegations`, DOCTOR), 403, 'MANDAT_ACTOR'],
    ['another’s account', by(KEY, 'GET', `/accounts/${SECRETARY}`, DOCTOR), 403, 'MANDAT_ACTOR'],
    ['a delegate ends nothing', by(KEY, 'DELETE', `${PLACE}/${listed(0)}`, 'sam'), 403, 'MANDAT_ACTOR'],
    ['what was not named', by(KEY, 'POST', `${PLACE}/${listed(0)}/suspend`, DOCTOR), 403, 'SERVICE_ACTION'],
    ['an administrator’s', by(KEY, 'GET', '/audit', DOCTOR), 403, 'SERVICE_ACTION'],
    ['of the other service', by(OTHER_KEY, 'GET', PLACE, DOCTOR), 403, 'SERVICE_ACTION'],
    ['a key that is none', by(`${KEY}x`, 'GET', '/mailboxes', DOCTOR), 401, 'MANDAT_TOKEN'],
    ['a key’s beginning', by(KEY.slice(0, -1), 'GET', '/mailboxes', DOCTOR), 401, 'MANDAT_TOKEN'],
    [
      'a person who asks for somebody else',
      ask('GET', '/mailboxes', { by: DOCTOR, headers: { 'on-behalf-of': OTHER_DOCTOR } }),
      400,
      'ON_WHOSE_BEHALF',
    ],
  ];
  for (const [why, answer, status, code] of bad) t.match((await answer).json, { status, code }, why);

  t.match((await by(KEY, 'DELETE', `${PLACE}/${listed(0)}`, DOCTOR)).json, { verb: 'revoke' });
  const trail = (await ask('GET', '/audit?limit=1000', { by: ADMIN })).json.items as Record<string, unknown>[];
  const said = (action: string) => trail.filter((entry) => entry.action === action);
  const asOwner = { actor: `owner:${DOCTOR}`, via: 'service:roundcube', mailbox: MAILBOX, delegate: listed(0) };
  t.match(said('grant'), [asOwner]);
  t.match(said('revoke'), [asOwner], 'who, by which service');
  const refused = said('refused').map(({ actor, via, detail }) => ({ actor, via, ...(detail as object) }));
  for (const one of [
    { actor: 'service:roundcube', via: 'service:roundcube', command: 'listMailboxes' },
    { actor: `person:${DOCTOR}`, via: 'service:roundcube', command: 'suspendDelegation' },
    { actor: `person:${DOCTOR}`, via: 'service:sogo', command: 'listMailboxDelegations' },
    { actor: `delegate:${SECRETARY}`, via: 'service:roundcube', command: 'revokeDelegation' },
  ])
    t.ok(
      refused.some((entry) => JSON.stringify(entry) === JSON.stringify(one)),
      JSON.stringify(one),
    );
  t.notMatch(JSON.stringify([trail, site.log]), KEY, 'the key stands nowhere');

  // Two people by one name: neither. A login that several read by speaks for nobody.
  await site.mandat('mailbox', 'add', 'office@pro.formation.mssante.fr', '--owner', DOCTOR, '--kind', 'ORG');
  t.match((await by(KEY, 'GET', '/me', 'office@pro.formation.mssante.fr')).json, { status: 403, code: 'MANDAT_ACTOR' });
  await site.mandat('delegate', 'add', listed(1), '--login', MAILBOX);
  t.match((await by(KEY, 'GET', '/me', MAILBOX)).json, { status: 403, detail: /several people/ });

  // Another key counts at once; one that others may read counts for nothing, and locks nobody else out.
  const file = path.join(directory, 'roundcube.key');
  await writeFile(file, `${KEY}-renewed\n`);
  t.equal((await by(`${KEY}-renewed`, 'GET', '/me', DOCTOR)).status, 200);
  t.equal((await by(KEY, 'GET', '/me', DOCTOR)).status, 401);
  await chmod(file, 0o644);
  t.equal((await by(`${KEY}-renewed`, 'GET', '/me', DOCTOR)).status, 401);
  t.equal((await by(OTHER_KEY, 'GET', '/mailboxes', DOCTOR)).status, 200);
  t.ok(
    site.log.some(({ msg }) => /has mode 644/.test(String(msg))),
    'the log says why',
  );

  // At the start it is told of.
  await site.portal.close();
  const configFile = path.join(directory, 'mandat.toml');
  const starts = () => mandatAt(configFile, ['portal']);
  t.match(await starts(), { status: 2, stderr: /has mode 644/ });
  await chmod(file, 0o600);
  await writeFile(file, 'short\n');
  t.match(await starts(), { status: 2, stderr: /has 5 characters/ });
  await writeFile(file, `${OTHER_KEY}\n`);
  t.match(await starts(), { status: 2, stderr: /roundcube and sogo have the same key/ });
});

const skip = spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not on this machine';

t.test('the manual: what a webmail asks, as it stands there', { skip }, async (t) => {
  const manual = readFileSync(new URL('../../docs/portal-api.md', import.meta.url), 'utf8');
  const [, lines = ''] = /```sh\n(.*?)```/s.exec(manual) ?? [];
  const [, said = ''] = /Needed: (.*?) as its/s.exec(manual) ?? [];
  const actions = [...said.matchAll(/`(\w+)`/g)].map(([, one]) => one);
  const site = await apiSite(t, {
    portal: `[portal.services.roundcube]\nkey_file = "roundcube.key"\nactions = ${JSON.stringify(actions)}\n`,
    secrets: { 'roundcube.key': KEY, header: `Authorization: Bearer ${KEY}` },
  });
  const script = lines
    .replace('https://delegations.example.org', site.url)
    .replace('/etc/roundcube/mandat.header', path.join(site.directory, 'header'))
    .replace('--silent', "--silent --write-out '\\n'");
  const { stdout, stderr } = await promisify(execFile)('bash', ['-e', '-u', '-o', 'pipefail', '-c', script]);
  const answers = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  t.equal(stderr, '');
  t.match(answers, [
    { items: [{ address: MAILBOX, closed: null }] },
    { items: [] },
    { version: /^\d{4}-\d\d$/, fr: /responsable/ },
    { verb: 'grant', delegate: SECRETARY },
    { state: /./, sidecar: false },
    { verb: 'revoke' },
  ]);
});
