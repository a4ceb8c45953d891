/** Whether the people's own screens answer at the place that is configured: asked there, as their reverse proxy asks. */
import http from 'node:http';

export interface PortalPlace {
  /** HOST:PORT, or a socket's path. */
  readonly listen: string;
  /** As people reach it. */
  readonly url: string;
}

/** Undefined where they do; else why not. `patience`: ms. */
export async function portalFault({ listen, url }: PortalPlace, patience: number): Promise<string | undefined> {
  try {
    const status = await asked(listen, new URL(url).host, patience);
    return status === 200 ? undefined : `status ${status}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The status of the page that everybody may see. */
function asked(listen: string, host: string, patience: number): Promise<number | undefined> {
  const [, name = '', port = ''] = /^(.+):(\d+)$/.exec(listen) ?? [];
  const where = port === '' ? { socketPath: listen } : { host: name.replace(/^\[(.*)\]$/, '$1'), port };
  return new Promise((resolve, reject) => {
    http
      .get({ ...where, path: '/signed-out', headers: { host }, timeout: patience }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
      .on('timeout', function late(this: http.ClientRequest) {
        this.destroy(new Error('it does not answer in time'));
      })
      .once('error', reject);
  });
}

/** Who starts it. */
export const portalStart = (process: 'child' | 'unit') =>
  process === 'child' ? '"mandat run" starts it' : 'systemctl status mandat-portal';
