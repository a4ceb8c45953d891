import fc from 'fast-check';
import t from 'tap';
import { isLoopback } from '../../config/loopback.ts';
import { doveadmUrl, hostName, path } from '../../config/places.ts';
import type { Rule } from '../../config/rule.ts';
import { accountName, folderNames, groupName, rights, separator, serverName, timeZone } from '../../config/rules.ts';

/** rule, value, number of problems, why */
const TABLE: readonly (readonly [Rule, string, number, string])[] = [
  [rights, 'lrswipkxte', 0, 'the default'],
  [rights, 'lr', 0, 'reading only is the least'],
  [rights, 'rl', 0, 'order says nothing'],
  [rights, 'lrswipkte', 0, 'without x, where a folder could be carried off'],
  [rights, 'lra', 1, 'a delegate never administers'],
  [rights, 'lrc', 1, 'obsolete create'],
  [rights, 'lrd', 1, 'obsolete delete'],
  [rights, 'lrn', 1, 'Cyrus annotations are not RFC 4314'],
  [rights, 'lr0', 1, 'site-defined digits'],
  [rights, 'LR', 4, 'two unknown letters, and both needed ones missing'],
  [rights, 'lrss', 1, 'a letter twice'],
  [rights, 'lraa', 2, 'refused and twice'],
  [rights, 'r', 1, 'a mailbox nobody sees'],
  [rights, 'l', 1, 'a mailbox nobody can open'],
  [rights, '', 2, 'nothing at all'],
  [rights, 'l r', 1, 'a space is no right'],
  [rights, 'acdZ', 6, 'everything wrong is said at once'],

  [folderNames, 'Sent', 0, 'one'],
  [folderNames, 'Sent, Envoyés,Éléments envoyés', 0, 'several, as people write them'],
  [folderNames, 'INBOX.Sent', 0, 'a name with its level'],
  [folderNames, '', 1, 'none'],
  [folderNames, 'Sent,,Envoyés', 1, 'one without a name'],
  [folderNames, 'Sent*', 1, 'a pattern would be many'],
  [folderNames, 'Se"nt', 1, 'a quote'],
  [folderNames, 'Sent\nEnvoyés', 1, 'a line break'],

  [serverName, 'main', 0, 'the default'],
  [serverName, 'mx-2', 0, 'a hyphen'],
  [serverName, 'm'.repeat(31), 1, 'too long'],
  [serverName, 'MX1', 1, 'lower case alone: there are no two names that look alike'],
  [serverName, 'mx1.example.org', 1, 'no host name: machines are renamed'],
  [serverName, '', 1, 'none'],

  [timeZone, 'Europe/Paris', 0, 'the default'],
  [timeZone, 'Indian/Reunion', 0, 'overseas'],
  [timeZone, 'UTC', 0, 'a zone too'],
  [timeZone, 'Europe/Pari', 1, 'misspelt'],
  [timeZone, '+01:00', 1, 'an offset has no summer time'],
  [timeZone, 'CET summer', 1, 'prose'],
  [timeZone, '', 1, 'empty'],

  [hostName, '127.0.0.1', 0, 'an address'],
  [hostName, '::1', 0, 'an IPv6 address'],
  [hostName, 'fe80::1%eth0', 0, 'an IPv6 address with its zone'],
  [hostName, 'imap.example.org', 0, 'a name'],
  [hostName, 'mail_server', 0, 'a container name'],
  [hostName, 'xn--bcher-kva.example', 0, 'punycode'],
  [hostName, 'bücher.example', 1, 'not punycode'],
  [hostName, 'imap.example.org:143', 1, 'the port is another key'],
  [hostName, 'imaps://imap.example.org', 1, 'a URL'],
  [hostName, '[::1]', 1, 'brackets belong to URLs'],
  [hostName, 'imap example', 1, 'a space'],
  [hostName, '-host', 1, 'a leading hyphen could be read as an option'],
  [hostName, '', 1, 'empty'],

  [accountName, 'bridge', 0, 'a login'],
  [accountName, 'bridge@example.org', 0, 'a login that is an address'],
  [accountName, 'two words', 1, 'a space'],
  [accountName, 'bridge\u0000', 1, 'NUL ends a field of SASL PLAIN'],
  [accountName, 'é', 1, 'not ASCII'],
  [accountName, '', 1, 'empty'],

  [groupName, 'postfix', 0, 'the default'],
  [groupName, '_mandat', 0, 'a system group'],
  [groupName, 'post fix', 1, 'a space'],
  [groupName, '102', 0, "a number: another container's group"],
  [groupName, '0', 1, "root's"],
  [groupName, '0102', 1, 'a number written otherwise'],
  [groupName, '10x', 1, 'neither'],
  [groupName, '9999999999', 1, 'no number of a group'],

  [separator, '*', 0, "Dovecot's own example"],
  [separator, '%', 0, 'another one'],
  [separator, '**', 1, 'two characters'],
  [separator, '', 1, 'none'],
  [separator, ' ', 1, 'not printable'],
  [separator, '@', 1, 'stands in logins'],
  [separator, 'x', 1, 'stands in logins'],

  [path, 'data', 0, 'relative'],
  [path, '/var/lib/mandat', 0, 'absolute'],
  [path, 'with space', 0, 'allowed, if unwise'],
  [path, '~/data', 1, 'nobody expands it'],
  [path, ' ', 1, 'empty'],
  [path, 'C:\temp', 1, 'an escape was read as a tab'],
  [path, 'a\u0000b', 1, 'NUL ends a path in the kernel'],

  [doveadmUrl, 'http://127.0.0.1:8080/doveadm/v1', 0, 'the default'],
  [doveadmUrl, 'http://localhost:8080/doveadm/v1', 0, 'loopback by name'],
  [doveadmUrl, 'http://[::1]:8080/doveadm/v1', 0, 'loopback by IPv6'],
  [doveadmUrl, 'https://mail.example.org:8443/doveadm/v1', 0, 'TLS'],
  [doveadmUrl, 'http://mail.example.org/doveadm/v1', 1, 'the key in clear'],
  [doveadmUrl, 'http://localhost.example.org/doveadm/v1', 1, 'only begins like loopback'],
  [doveadmUrl, 'http://127.0.0.1.example.org/', 1, 'only begins like loopback'],
  [doveadmUrl, 'ftp://127.0.0.1/', 1, 'another scheme'],
  [doveadmUrl, '127.0.0.1:8080', 1, 'no scheme'],
  [doveadmUrl, 'https://bridge:hunter2@mail.example.org/', 1, 'a password in the address'],
  [doveadmUrl, 'ftp://bridge:hunter2@mail.example.org/', 1, 'the same, and the wrong scheme'],
  [hostName, 'imap://bridge:hunter2@mail.example.org', 1, 'the same, as a host'],
];

t.test('values', async (t) => {
  for (const [rule, value, count, why] of TABLE) {
    const problems = rule(value);
    t.equal(problems.length, count, `${JSON.stringify(value)}: ${why}`);
    t.notOk(
      problems.some(({ message, remedy }) => /hunter2/.test(message + remedy)),
      'no password repeated',
    );
    t.ok(
      problems.every(({ message, remedy }) => message !== '' && remedy !== ''),
      'each with a remedy',
    );
  }
});

t.test('a near miss is answered with the zone that was meant', async (t) => {
  t.match(timeZone('Europe/Pari')[0]?.remedy, /Europe\/Paris/);
  t.match(timeZone('europe/pariss')[0]?.remedy, /Europe\/Paris/);
});

t.test('obsolete letters are explained, not just refused', async (t) => {
  t.match(rights('lrc')[0]?.message, /obsolete/);
  t.match(rights('lrd')[0]?.message, /obsolete/);
});

t.test('any selection of the ten letters with l and r is good, in any order', async () => {
  const optional = fc.shuffledSubarray([...'swipkxte']);
  fc.assert(fc.property(optional, (letters) => rights(`r${letters.join('')}l`).length === 0));
});

t.test('a letter outside the ten is never let through', async () => {
  const foreign = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }).filter((c) => !'lrswipkxte'.includes(c));
  fc.assert(fc.property(foreign, (letter) => rights(`lr${letter}`).length > 0));
});

t.test('loopback', async (t) => {
  const rows = [
    ['127.0.0.1', true, 'the usual one'],
    ['127.8.9.10', true, 'the whole 127/8 network'],
    ['LOCALHOST', true, 'names fold case'],
    ['[::1]', true, 'as a URL writes it'],
    ['0.0.0.0', false, 'every interface'],
    ['127.0.0.1.example.org', false, 'a name'],
    ['127.1', false, 'a short form that some resolvers take as a name'],
    ['10.0.0.1', false, 'a private network is a network'],
    ['::ffff:127.0.0.1', false, 'mapped addresses are not guessed at'],
    ['', false, 'nothing'],
  ] as const;
  for (const [host, expected, why] of rows) t.equal(isLoopback(host), expected, `${host}: ${why}`);
});
