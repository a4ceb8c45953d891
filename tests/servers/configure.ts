/** Changes to a site's mandat.toml, as an administrator makes them. Read at the next start, or at SIGHUP. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Site } from './site.ts';

export async function editConfig(site: Pick<Site, 'configFile'>, edit: (toml: string) => string): Promise<void> {
  await writeFile(site.configFile, edit(await readFile(site.configFile, 'utf8')));
}

/** From its next start on, mandat reaches the doveadm API through this port. */
export async function routeDoveadmThrough(site: Site, { port }: { readonly port: number }): Promise<void> {
  await editConfig(site, (toml) => toml.replace(/(url = "http:\/\/127\.0\.0\.1:)\d+/, `$1${port}`));
}
