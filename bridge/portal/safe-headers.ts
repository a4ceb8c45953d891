/** What a browser is told with every answer: to load nothing from elsewhere, to run nothing that stands in a page, to be framed by nobody. */
import type { MiddlewareHandler } from 'hono';
import type { PortalEnv } from './context.ts';

/**
 * `leadsTo`: origins that a form's answer may lead on to (browsers hold a redirect after a form to form-action, too: signing out leads to the
 * identity provider).
 */
export function safeHeaders(secure: boolean, leadsTo: () => readonly string[]): MiddlewareHandler<PortalEnv> {
  return async (c, next) => {
    await next();
    const { headers } = c.res;
    headers.set('content-security-policy', policy(leadsTo()));
    headers.set('x-frame-options', 'DENY');
    headers.set('x-content-type-options', 'nosniff');
    headers.set('referrer-policy', 'same-origin'); // none at all would take the Origin from forms
    headers.set('cross-origin-opener-policy', 'same-origin');
    headers.set('cross-origin-resource-policy', 'same-origin');
    headers.set('permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()');
    if (secure) headers.set('strict-transport-security', 'max-age=31536000');
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  };
}

const policy = (leadsTo: readonly string[]) =>
  [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    `form-action ${["'self'", ...leadsTo].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
