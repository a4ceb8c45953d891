/**
 * Where something is: hosts, addresses, URLs, paths. Messages repeat a value, except where it could be a secret in the wrong place
 * (`path`, `doveadmUrl`).
 */
import { isIP } from 'node:net';
import { isLoopback } from './loopback.ts';
import { GOOD, quoted, type Rule, shaped } from './rule.ts';

/** Lower-case or not, `_` included (container networks use it), IDN as punycode; an IPv6 address without brackets. */
export const hostName: Rule = shaped(
  /^(?:[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?|[0-9a-f:]*:[0-9a-f:.]*(?:%[a-z0-9]+)?)$/i,
  'a host name or address',
  'give the bare name or address, without scheme, port or brackets; internationalized names as xn--...',
);

export const ipAddress: Rule = (value) =>
  isIP(value) !== 0
    ? GOOD
    : [{ message: `${quoted(value)} is not an IP address`, remedy: 'write it in numbers, as in 127.0.0.2' }];

export const mailAddress: Rule = shaped(
  /^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$/,
  'a mail address',
  'write local@domain, without a name or brackets; an international domain as xn--...',
);

export const webUrl: Rule = (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url !== undefined &&
    ['https:', 'http:'].includes(url.protocol) &&
    url.username === '' &&
    !/[\s"<>]/.test(value)
    ? GOOD
    : [{ message: `${quoted(value)} is not a web address`, remedy: 'write https://...' }];
};

/** An address whose answers are believed: nobody on the way may have changed them. */
const believedUrl = (value: string): URL | undefined => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || /[\s"<>?#]/.test(value)) return undefined;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)) ? url : undefined;
};

/** Of an OpenID Connect provider, as it names itself. OpenID Connect Discovery 1.0 section 3 */
export const issuerUrl: Rule = (value) =>
  believedUrl(value) !== undefined
    ? GOOD
    : [
        {
          message: `${quoted(value)} is no issuer`,
          remedy: 'write https://HOST/PATH as the provider names itself, without ? and #; http only on this machine',
        },
      ];

/** Cookies and redirects are the whole host's: nothing else may be on it. */
export const portalUrl: Rule = (value) => {
  const url = believedUrl(value);
  return url !== undefined && url.pathname === '/' && url.origin === value.replace(/\/$/, '')
    ? GOOD
    : [
        {
          message: `${quoted(value)} is not an address of the portal's own`,
          remedy: 'write https://HOST in lower case, without a path or a default port; http only on this machine',
        },
      ];
};

export const path: Rule = (value) => {
  if (value.trim() === '') return [{ message: 'the path is empty', remedy: 'give the path of a file or directory' }];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(value)) {
    return [
      {
        message: 'the path holds a control character',
        remedy: "write paths in single quotes: 'C' has no escapes there",
      },
    ];
  }
  if (value.startsWith('~')) {
    return [{ message: 'the path starts with ~, which only a shell expands', remedy: 'write the path in full' }];
  }
  return GOOD;
};

export const doveadmUrl: Rule = (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    return [
      {
        message: `${quoted(value)} is not an http or https address`,
        remedy: 'write http://127.0.0.1:8080/doveadm/v1, or an https address',
      },
    ];
  }
  if (url.username !== '' || url.password !== '') {
    return [
      { message: 'the address holds a login or password', remedy: 'take it out; the key belongs in api_key_file' },
    ];
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return [
      {
        message: `plain http to ${quoted(url.hostname)} would send the API key in clear over the network`,
        remedy: 'use https, or a loopback address such as http://127.0.0.1:8080/doveadm/v1',
      },
    ];
  }
  return GOOD;
};

/** HOST:PORT on this machine: whoever reaches this port sends as anybody. */
export const loopbackAddress: Rule = (value) => {
  const { host, port } = /^(?<host>\[[0-9a-f:]+\]|[^:]+):(?<port>\d{1,5})$/i.exec(value)?.groups ?? {};
  return host !== undefined && isLoopback(host) && Number(port) >= 1 && Number(port) <= 65_535
    ? GOOD
    : [
        {
          message: `${quoted(value)} is not a port of this machine`,
          remedy: 'write a loopback address, 127.0.0.1:PORT',
        },
      ];
};

/** `off`, or {@link loopbackAddress}. */
export const loopbackAddressOrOff: Rule = (value) => (value === 'off' ? GOOD : loopbackAddress(value));

/** A path of a Unix socket, or {@link loopbackAddress}. */
export const filterAddress: Rule = (value) => (/:\d+$/.test(value) ? loopbackAddress(value) : path(value));

/** The same, of what is asked over HTTP: a loopback address with its port, or a path that is plainly one. */
export const healthAddress: Rule = (value) => {
  const remedy =
    'write a loopback address and a port, such as 127.0.0.1:9464, or the path of a Unix socket, such as health.sock';
  if (/:\d+$/.test(value) && !value.includes('/')) return loopbackAddress(value);
  if (/^(\/|[^/].*\/|[^/]+\.sock$)/.test(value) && !/:/.test(value)) return path(value);
  return [{ message: `${quoted(value)} is neither a port of this machine nor the path of a Unix socket`, remedy }];
};
