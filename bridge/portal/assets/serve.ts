/** The style sheet and the script, each under a name that has its hash: kept for a year, and never an old one. */
import { createHash } from 'node:crypto';
import type { Hono } from 'hono';
import type { PortalEnv } from '../context.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

const hashed = (name: string, text: string, type: string) => {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { path: `/assets/${name.replace('.', `-${hash}.`)}`, text: text.trim(), type };
};

const style = hashed('portal.css', STYLE, 'text/css; charset=utf-8');
const script = hashed('portal.js', SCRIPT, 'text/javascript; charset=utf-8');

export const STYLE_PATH = style.path;
export const SCRIPT_PATH = script.path;

/** For everybody, signed in or not. */
export function mountAssets(app: Hono<PortalEnv>): void {
  for (const { path, text, type } of [style, script])
    app.get(path, (c) =>
      c.body(text, 200, { 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' }),
    );
}
