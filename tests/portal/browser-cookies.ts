/** As little of a browser as a test needs: it keeps each host's cookies, follows redirects, and sends forms with their Origin. */
export interface Page {
  readonly status: number;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface Asking {
  readonly method?: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default: true. */
  readonly follow?: boolean;
}

/** The token in the first form of a page; empty where there is none. */
export const csrfOf = (body: string) => /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? '';

const MOST_REDIRECTS = 15;

export class Browser {
  /** By host, name to value. */
  readonly cookies = new Map<string, Map<string, string>>();
  readonly home: string;
  private readonly fetch: typeof fetch;

  /** `fetching`: how what is asked gets there. */
  constructor(home: string, fetching = fetch) {
    this.home = home;
    this.fetch = fetching;
  }

  get(where: string, asking: Asking = {}): Promise<Page> {
    return this.ask(where, asking);
  }

  /** As a form of a page of `home`'s is sent. */
  post(where: string, form: Readonly<Record<string, string>>, asking: Asking = {}): Promise<Page> {
    return this.ask(where, { method: 'POST', form, ...asking });
  }

  async ask(where: string, asking: Asking): Promise<Page> {
    let url = new URL(where, this.home);
    let { method = 'GET', form, body } = asking;
    for (let step = 0; step < MOST_REDIRECTS; step++) {
      const response = await this.fetch(url, {
        method,
        redirect: 'manual',
        headers: { accept: 'text/html', connection: 'close', ...this.sent(url, method), ...asking.headers },
        ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
        ...(body === undefined ? {} : { body }),
      });
      this.keep(url, response.headers);
      const to = response.headers.get('location');
      if (to === null || asking.follow === false || response.status < 300 || response.status > 399) {
        return { status: response.status, url: url.href, headers: response.headers, body: await response.text() };
      }
      await response.arrayBuffer();
      url = new URL(to, url);
      [method, form, body] = ['GET', undefined, undefined];
    }
    throw new Error(`redirected without end: ${url}`);
  }

  /** The whole way: to the portal, to the provider, who one is, and back. The last page. */
  async signIn(sub: string, to = '/'): Promise<Page> {
    const asked = await this.get(`/sign-in?to=${encodeURIComponent(to)}`);
    if (!asked.url.includes('/interaction/')) return asked;
    return this.ask(asked.url, { method: 'POST', form: { person: sub } });
  }

  /** What opens the session, for a Cookie header. */
  cookie(): string {
    return this.sent(new URL(this.home), 'GET').cookie ?? '';
  }

  /** The value of the portal's cookie of that name. */
  read(name: string): string | undefined {
    return this.cookies.get(new URL(this.home).host)?.get(name);
  }

  private sent(url: URL, method: string): Record<string, string> {
    const kept = [...(this.cookies.get(url.host) ?? [])].map(([name, value]) => `${name}=${value}`);
    return {
      ...(kept.length === 0 ? {} : { cookie: kept.join('; ') }),
      ...(method === 'GET' ? {} : { origin: url.origin, 'sec-fetch-site': 'same-origin' }),
    };
  }

  private keep(url: URL, headers: Headers): void {
    const jar = this.cookies.get(url.host) ?? new Map<string, string>();
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /max-age=0/i.test(line) || /expires=thu, 01 jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    this.cookies.set(url.host, jar);
  }
}
