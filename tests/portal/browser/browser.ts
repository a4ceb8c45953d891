/** Debian's Chromium as the tests drive it: a fresh profile, nothing but loopback, closed with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/** What a test has of the browser: contexts, each somebody else's cookies. */
export interface Browser {
  /** `asked`: every address that its pages have asked for. */
  context(options?: BrowserContextOptions): Promise<BrowserContext & { readonly asked: readonly string[] }>;
  close(): Promise<void>;
}

/** Where somebody needs more patience than Playwright's half minute: eight test files on two cores. */
export const PATIENCE_MS = 60_000;

/** `args`: of Chromium's own, such as where a host name leads. */
export async function startBrowser(args: readonly string[] = []): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'mandat-browser-'));
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    headless: true,
    chromiumSandbox: false,
    args: [...QUIET, ...args],
    timeout: PATIENCE_MS,
    env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
  });
  return {
    async context(options) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(PATIENCE_MS);
      const asked: string[] = [];
      context.on('request', (request) => asked.push(request.url()));
      return Object.assign(context, { asked });
    },
    async close() {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
