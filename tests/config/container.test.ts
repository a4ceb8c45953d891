/** The image's recipe and the compose example, which can't be built here: that they can be read, and what they name is there. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { parse } from 'yaml';

const PLACE = 'config/container';
const recipe = readFileSync(`${PLACE}/Containerfile`, 'utf8');

t.test('the recipe: known instructions, files of the tree, not root, with a health check', async (t) => {
  const instructions = recipe
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of instructions)
    t.match(line, /^(FROM|WORKDIR|COPY|RUN|USER|VOLUME|HEALTHCHECK|CMD) /, 'an instruction');
  const copied = instructions.flatMap((line) => /^COPY (?!--from)(.*) \S+$/.exec(line)?.[1]?.split(' ') ?? []);
  t.ok(copied.length > 0);
  for (const one of copied) t.ok(existsSync(one), one);
  t.match(recipe, /^USER mandat$/m);
  t.match(recipe, /^HEALTHCHECK /m);
});

t.test('the compose example parses, and what it mounts is declared', async (t) => {
  const { services, volumes, networks } = parse(readFileSync(`${PLACE}/compose.yaml`, 'utf8'));
  t.same(Object.keys(services), ['dovecot', 'postfix', 'mandat']);
  for (const service of Object.values<Record<string, string[]>>(services)) {
    for (const volume of service.volumes ?? [])
      t.ok(volume.startsWith('./') || (volume.split(':')[0] ?? '') in volumes, volume);
    for (const network of service.networks ?? []) t.ok(network in networks, network);
  }
  const { context, dockerfile } = services.mandat.build;
  t.ok(existsSync(path.join(PLACE, context, dockerfile)));
  t.ok(services.mandat.read_only);
});
