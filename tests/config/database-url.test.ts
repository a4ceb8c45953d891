/** Where a PostgreSQL database is: what is taken, and what is refused without a word of it. */
import t from 'tap';
import { databasePlace, databaseUrl } from '../../config/database-url.ts';

const SOCKET = { host: '/run/postgresql', port: 5432, user: 'mandat', database: 'mandat', tls: 'disable' };
const NETWORK = { ...SOCKET, host: 'db.example.org', tls: 'verify-full' };

for (const [url, place] of [
  ['postgres:///mandat', SOCKET],
  ['postgresql:///mandat?host=/run/postgresql', SOCKET],
  ['postgres://%2Fvar%2Frun%2Fpg/mandat', { ...SOCKET, host: '/var/run/pg' }],
  ['postgres://side@/mandat?host=/tmp/pg', { ...SOCKET, user: 'side', host: '/tmp/pg' }],
  ['postgres://db.example.org/mandat', NETWORK],
  ['postgres://a%40b@db.example.org:6432/d%20b', { ...NETWORK, user: 'a@b', port: 6432, database: 'd b' }],
  ['postgres://db.example.org/mandat?sslmode=verify-ca', { ...NETWORK, tls: 'verify-ca' }],
  ['postgres://[::1]:5433/mandat', { ...SOCKET, host: '::1', port: 5433 }],
  ['postgres://127.0.0.1/mandat?sslmode=verify-full', { ...NETWORK, host: '127.0.0.1' }],
] as const) {
  t.test(url, async (t) => {
    if (!url.includes('%20')) t.strictSame(databaseUrl(url), []);
    t.strictSame(databasePlace(url), place);
  });
}

for (const [url, why] of [
  ['postgres://mandat:hunter2@db.example.org/mandat', /password/],
  ['postgres://mandat:@db.example.org/mandat', /password/],
  ['postgres://mandat:hunter2@@db.example.org/mandat', /password/],
  ['postgres://db.example.org/mandat?password=hunter2', /password/],
  ['postgres://db.example.org/mandat?sslmode=disable', /in clear/],
  ['postgres://db.example.org/mandat?sslmode=require', /does not check/],
  ['postgres://db.example.org/mandat?sslmode=prefer', /does not check/],
  ['postgres://db.example.org/mandat?sslrootcert=/ca.pem', /sslrootcert/],
  ['postgres://db.example.org/mandat?options=-csearch_path%3Dx', /"options"/],
  ['postgres://db.example.org/mandat?hunter2=x', /"\.\.\."/],
  ['postgres://db.example.org/mandat?sslmode=:hunter2@db', /does not check/],
  ['postgres://db.example.org/mandat?host=/run/postgresql', /socket/],
  ['postgres://db.example.org', /not the address/],
  ['postgres://db.example.org/', /not the address/],
  ['postgres://db.example.org:0/mandat', /port/],
  ['postgres://db.example.org:99999/mandat', /port/],
  ['postgres://db.example.org/man dat', /not the address/],
  ['postgres://db.example.org/%zz', /not the address/],
  ['mysql://db.example.org/mandat', /not the address/],
  ['data/delegation.db', /not the address/],
  ['', /not the address/],
] as const) {
  t.test(`refused: ${url}`, async (t) => {
    const [problem] = databaseUrl(url);
    t.match(problem?.message, why);
    t.notMatch(JSON.stringify(problem), /hunter2/, 'no password is repeated');
  });
}
