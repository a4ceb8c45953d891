/** Who is let in by the API: a token of the site's provider that was made for it, and nobody else. Each attack with its refusal. */
import { generateKeyPair } from 'jose';
import t from 'tap';
import { apiSite, WEBMAIL } from './api-site.ts';
import { DOCTOR, STRANGER } from './people.ts';

t.test('tokens', async (t) => {
  const { ask, token, url, provider } = await apiSite(t);
  const by = async (bearer: string | undefined) =>
    ask('GET', '/mailboxes', { headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } });
  const now = Math.floor(Date.now() / 1000);
  const { privateKey: key } = await generateKeyPair('RS256');
  const forged = await provider.sign(
    { sub: DOCTOR, azp: WEBMAIL, aud: url, SubjectNameID: DOCTOR, acr: 'eidas1' },
    { key, typ: 'at+jwt' },
  );
  const good = await token(DOCTOR);
  const [head, body, seal] = good.split('.');
  const bad: readonly (readonly [string, string | undefined])[] = [
    ['none', undefined],
    ['something else', 'abc'],
    ['another client’s', await token(DOCTOR, { azp: 'another' })],
    ['without azp and client_id', await token(DOCTOR, { azp: undefined })],
    ['for another audience', await token(DOCTOR, { aud: 'https://elsewhere.example' })],
    ['without an audience', await token(DOCTOR, { aud: [] })],
    ['expired', await token(DOCTOR, { iat: now - 7200, exp: now - 3600 })],
    ['not valid yet', await token(DOCTOR, { nbf: now + 3600 })],
    ['without acr', await token(DOCTOR, { acr: undefined })],
    ['with a weaker acr', await token(DOCTOR, { acr: 'password' })],
    ['of another issuer', await token(DOCTOR, { iss: 'https://elsewhere.example' })],
    ['an ID token', await token(DOCTOR, { nonce: 'n', aud: 'mandat' }, 'JWT')],
    ['a logout token', await token(DOCTOR, {}, 'logout+jwt')],
    ['signed by somebody else', forged],
    ['without a signature', `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${body}.`],
    ['changed', `${head}.${Buffer.from(JSON.stringify({ iss: provider.issuer })).toString('base64url')}.${seal}`],
    ['with no identifier', await token(DOCTOR, { SubjectNameID: undefined })],
    ['of a structure', await token(DOCTOR, { SubjectNameID: '312345678901' })],
    ['of 20,000 characters', 'a'.repeat(15_000)],
  ];
  for (const [why, bearer] of bad) {
    const { status, headers, json } = await by(bearer);
    t.match({ status, ...json }, { status: 401, code: 'MANDAT_TOKEN' }, why);
    t.match(headers.get('www-authenticate'), /^Bearer realm="mandat"/, `${why}: by which scheme to ask`);
  }
  t.match(
    (await by(await token(DOCTOR, { acr: undefined }))).headers.get('www-authenticate'),
    /insufficient_user_authentication.*eidas1/,
  );
  t.equal((await by(good)).status, 200);
  t.equal(
    (await by(await token(DOCTOR, { azp: undefined, client_id: WEBMAIL }))).status,
    200,
    'RFC 9068 says client_id',
  );
  t.equal((await by(await token(DOCTOR, { typ: 'Bearer' }, 'JWT'))).status, 200, "Keycloak's");
  const nobody = await ask('GET', '/mailboxes', { by: STRANGER });
  t.match(nobody.json, { status: 403, code: 'MANDAT_ACTOR' });
  t.match((await ask('GET', '/people?lastName=kit&city=paris', { by: STRANGER })).json, { status: 403 });
  t.match((await ask('GET', '/mailboxes?as=admin', { by: DOCTOR })).json, { status: 403, code: 'MANDAT_ACTOR' });
  t.equal(
    (await fetch(`${url}/api/v1/mailboxes`, { headers: { cookie: 'mandat=x' } })).status,
    401,
    'a cookie is nothing here',
  );
});
