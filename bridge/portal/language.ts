/** In which language a page speaks: as chosen by the switch, else as the browser asks, else French. */
import type { MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { Language, PortalEnv } from './context.ts';

const COOKIE = 'language';
const A_YEAR = 365 * 24 * 3600;
const isLanguage = (word: string | undefined): word is Language => word === 'fr' || word === 'en';

/** `?language=en` is the switch. One that isn't there is as if nobody had asked. */
export function speaking(secure: boolean): MiddlewareHandler<PortalEnv> {
  return async (c, next) => {
    const chosen = c.req.query('language');
    if (isLanguage(chosen)) {
      setCookie(c, COOKIE, chosen, { path: '/', maxAge: A_YEAR, httpOnly: true, sameSite: 'Lax', secure });
    }
    const kept = getCookie(c, COOKIE);
    c.set('language', [chosen, kept].find(isLanguage) ?? asked(c.req.header('accept-language') ?? ''));
    await next();
  };
}

/** Of `fr-CA, en;q=0.8` the first that we speak by its weight; `otherwise` where there is none. RFC 9110 section 12.5.4 */
export function asked(header: string, otherwise: Language = 'fr'): Language {
  const wanted = header
    .slice(0, 500)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
      const weight = Number(
        parameters
          .find((one) => one.trim().startsWith('q='))
          ?.trim()
          .slice(2) ?? 1,
      );
      return { language: tag.split('-')[0], weight: Number.isFinite(weight) ? weight : 0 };
    })
    .filter(({ language, weight }) => isLanguage(language) && weight > 0)
    .sort((a, b) => b.weight - a.weight);
  const [first] = wanted;
  return isLanguage(first?.language) ? first.language : otherwise;
}
