/** The people's own screens in the demo: an identity provider on loopback, which asks for no password, and the portal that `mandat run` starts beside itself. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startIdentityProvider } from '../../config/lab/identity-provider.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { Browser, type Page } from '../portal/browser-cookies.ts';

const CLIENT = { id: 'mandat', secret: 'of-the-demo' } as const;
const ADMINS = 'mail-admins';
export const ADA = 'ada@lab.test'; // administers

export interface Screens {
  /** For a browser. */
  readonly url: string;
  /** The section of the configuration. */
  readonly toml: string;
  /** A browser in which they have signed in. */
  signInAs(login: string): Promise<Browser>;
  stop(): Promise<void>;
}

/** `logins`: who can sign in, beside {@link ADA}. Their identifiers are their logins. */
export async function openScreens(directory: string, logins: readonly string[]): Promise<Screens> {
  const reservation = await reservePorts(1);
  const url = `http://127.0.0.1:${reservation.ports[0]}`;
  const claims = (login: string, groups: readonly string[] = []) => ({
    preferred_username: login,
    name: login,
    groups,
  });
  const provider = await startIdentityProvider({
    clients: [{ ...CLIENT, url }],
    people: { ...Object.fromEntries(logins.map((login) => [login, claims(login)])), [ADA]: claims(ADA, [ADMINS]) },
  });
  await writeFile(path.join(directory, 'oidc.secret'), `${CLIENT.secret}\n`, { mode: 0o600 });
  return {
    url,
    toml: `[portal]
listen = "${new URL(url).host}"
url = "${url}"
proxies = 0   # a site has its reverse proxy there, and https
issuer = "${provider.issuer}"
client_id = "${CLIENT.id}"
identifier_claim = "preferred_username"
admins = ["group:${ADMINS}"]
`,
    signInAs: async (login) => {
      const browser = new Browser(url);
      const { status, body } = await browser.signIn(login);
      if (status !== 200) throw new Error(`${login} can't sign in: ${status} ${body}`);
      return browser;
    },
    stop: async () => {
      await provider.stop();
      await reservation.release();
    },
  };
}

/** Presses the button of the form that a page shows: what is hidden in it goes along. */
export function submitted(browser: Browser, page: Page, typed: Readonly<Record<string, string>>): Promise<Page> {
  const [, action = '', form = ''] = /<form method="post" action="([^"]*\/add)">(.*?)<\/form>/s.exec(page.body) ?? [];
  const hidden = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
  const fields = hidden.map(([, name = '', value = '']): [string, string] => [name, value]);
  return browser.post(action, { ...Object.fromEntries(fields), ...typed }, { headers: { 'accept-language': 'en' } });
}
