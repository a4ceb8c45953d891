/** Answers over plain HTTP on a port of this machine or a Unix socket. It never keeps the sidecar from its work: one that can't listen tries again. */
import http from 'node:http';
import type { Logger } from 'pino';
import { failureOf } from '../shared/failure.ts';
import { listenAt } from '../shared/listen-at.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** By path. None may reject; one that does is answered 500. */
export type Answers = Readonly<Record<string, () => Promise<Answer>>>;

export interface HealthServer {
  close(): Promise<void>;
}

export interface ServerOptions {
  /** HOST:PORT or an absolute path, as the configuration has it. */
  readonly listen: string;
  readonly answers: Answers;
  readonly log: Logger;
  /** How long until it is tried again to listen; ms. */
  readonly againMs?: number;
}

const SETTING = '[health] listen';
const AGAIN_MS = 10_000;
/** A monitoring system asks with a few at most. */
const MOST_CONNECTIONS = 32;
/** Whoever asks asks at once. */
const PATIENCE_MS = 5000;

export async function serveHealth({ listen, answers, log, againMs = AGAIN_MS }: ServerOptions): Promise<HealthServer> {
  let server: http.Server | undefined;
  let timer: NodeJS.Timeout | undefined;
  let trouble = '';
  let closed = false;
  const open = async (): Promise<void> => {
    const fresh = httpServer(answers, log);
    try {
      await listenAt(fresh, listen, SETTING, () => process.getgid?.() ?? 0);
      if (closed) return void fresh.close();
      server = fresh;
      log.info({ listen }, 'answering /healthz, /readyz and /metrics');
    } catch (error) {
      const { code, message, hint } = failureOf(error);
      if (message !== trouble) log.error({ code, hint }, `${message}; all else goes on, and it is tried again`);
      trouble = message;
      if (!closed) timer = setTimeout(() => void open(), againMs);
    }
  };
  await open();
  return {
    close: async () => {
      closed = true;
      clearTimeout(timer);
      const last = server;
      if (last === undefined) return;
      await new Promise<void>((done) => {
        last.close(() => done());
        last.closeAllConnections();
      });
    },
  };
}

function httpServer(answers: Answers, log: Logger): http.Server {
  const server = http.createServer(
    { requestTimeout: PATIENCE_MS, headersTimeout: PATIENCE_MS, keepAliveTimeout: PATIENCE_MS },
    (request, response) => {
      request.resume(); // what it says beside its first line is nothing to us
      const say = ({ status, type, body }: Answer, more: http.OutgoingHttpHeaders = {}) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...more }).end(body);
      };
      const [path = ''] = (request.url ?? '').split('?');
      const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
      if (answer === undefined) return say(text(404, `ask for ${Object.keys(answers).join(', ')}`));
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return say(text(405, 'ask with GET'), { allow: 'GET, HEAD' });
      answer().then(say, (error: unknown) => {
        log.warn({ path, reason: failureOf(error).message }, 'a question about our health could not be answered');
        say(text(500, 'this could not be found out: the log says more'));
      });
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}

export const text = (status: number, body: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});
