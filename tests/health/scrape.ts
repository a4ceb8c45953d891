/** Asking a sidecar how it is, and reading what Prometheus reads. */
import http from 'node:http';

export interface Asked {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** `at`: a Unix socket's path, or a port of this machine. */
export function ask(at: string | number, path: string, method = 'GET'): Promise<Asked> {
  const where = typeof at === 'string' ? { socketPath: at } : { host: '127.0.0.1', port: at };
  return new Promise((resolve, reject) => {
    const request = http.request({ ...where, path, method, agent: false, timeout: 20_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body }),
      );
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer')));
    request.end();
  });
}

export interface Family {
  readonly help: string;
  readonly type: string;
  /** Names of the labels that were seen. */
  readonly labels: ReadonlySet<string>;
}

export interface Scrape {
  /** By `name{label="value"}`, as it is printed. */
  readonly values: ReadonlyMap<string, number>;
  readonly families: ReadonlyMap<string, Family>;
}

/** The text format, version 0.0.4. Throws at a line that is none of it. */
export function readScrape(text: string): Scrape {
  const values = new Map<string, number>();
  const families = new Map<string, { help: string; type: string; labels: Set<string> }>();
  for (const line of text.split('\n')) {
    const [, what, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (what !== undefined) {
      const family = families.get(name) ?? { help: '', type: '', labels: new Set<string>() };
      families.set(name, what === 'HELP' ? { ...family, help: rest } : { ...family, type: rest });
      continue;
    }
    if (line === '') continue;
    const [, sample = '', labels = '', value] = /^([a-z_:][a-z0-9_:]*)(\{.*\})? (\S+)$/i.exec(line) ?? [];
    if (value === undefined) throw new Error(`no sample: ${line}`);
    const family = families.get(sample) ?? families.get(sample.replace(/_(bucket|sum|count)$/, ''));
    if (family === undefined) throw new Error(`a sample of no family: ${line}`);
    for (const [, label = ''] of labels.matchAll(/[{,]([a-z_]+)="/g)) if (label !== 'le') family.labels.add(label);
    values.set(`${sample}${labels}`, Number(value));
  }
  return { values, families };
}

export async function scrape(at: string | number): Promise<Scrape & { readonly text: string }> {
  const { status, body } = await ask(at, '/metrics');
  if (status !== 200) throw new Error(`/metrics: ${status} ${body}`);
  return { ...readScrape(body), text: body };
}
