/** The portal's cookies: for this host alone, unseen by scripts, and not sent along with what another site sends. RFC 6265bis section 4.1.3.2 */
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { PortalEnv } from './context.ts';
import { SIGN_IN_MINUTES } from './sign-in/begun-sign-ins.ts';

type Name = 'session' | 'signing-in';

export interface Cookies {
  read(c: Context<PortalEnv>, name: Name): string | undefined;
  write(c: Context<PortalEnv>, name: Name, secret: string): void;
  forget(c: Context<PortalEnv>, name: Name): void;
}

export function portalCookies(secure: boolean): Cookies {
  const called = (name: Name) => `${secure ? '__Host-' : ''}mandat-${name}`;
  const flags = { path: '/', httpOnly: true, sameSite: 'Lax', secure } as const;
  return {
    read: (c, name) => getCookie(c, called(name)),
    write: (c, name, secret) =>
      setCookie(c, called(name), secret, {
        ...flags,
        ...(name === 'signing-in' ? { maxAge: SIGN_IN_MINUTES * 60 } : {}),
      }),
    forget: (c, name) => void deleteCookie(c, called(name), flags),
  };
}
