/** `mandat shares`: without a section, with a wrong one, its file's mode, a file that is none, what it says. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { SHARES } from '../../.ci/manual/words/places.ts';
import { desk } from './desk.ts';

t.test('without [shares] nothing is served', async (t) => {
  const here = await desk(t);
  t.match(await here.mandat('shares', 'serve'), { status: 2, stderr: /no section \[shares\].*\n.*docs\/scale\.md/ });
  t.notOk(readdirSync(path.join(here.directory, 'data/private')).includes('shares.db'));
});

t.test('a group that is not there, a directory that is not there', async (t) => {
  const wrong = async (lines: string) => {
    const here = await desk(t, { config: `data_dir = "data"\n[shares]\n${lines}` });
    return here.mandat('shares', 'serve');
  };
  t.match(await wrong('group = "nobodys-group"'), { status: 2, stderr: /no Unix group "nobodys-group"/ });
  t.match(await wrong('group = "mail"\nlisten = "/nowhere/dict"'), { status: 2, stderr: /\/nowhere is not there/ });
});

t.test('a file of Dovecot is taken over', async (t) => {
  const here = await desk(t);
  const file = path.join(here.directory, 'shared-mailboxes.db');
  writeFileSync(file, 'shared/shared-boxes/user/b\u00011b@x.y/alice@x.y\n1\nshared/shared-boxes/anyone/alice@x.y\n1\n');
  t.same(await here.json('shares', 'import', file), { read: 2, added: 2, shares: 2 });
  t.match(await here.mandat('shares', 'import', file), { status: 0, stdout: '2 shares read, 0 of them new\n' });
  const database = path.join(here.directory, 'data/private/shares.db');
  const [place] = SHARES;
  t.equal((statSync(database).mode & 0o777).toString(8), place?.mode);
  writeFileSync(file, '');
  t.match(await here.mandat('shares', 'import', file), { status: 0, stdout: '0 shares read, 0 of them new\n' });
  for (const text of ['#!/bin/sh\necho\n', 'shared/shared-boxes/user/bob/alice\n']) {
    writeFileSync(file, text);
    t.match(await here.mandat('shares', 'import', file), { status: 2, stderr: /is not a file in which Dovecot keeps/ });
  }
  t.match(await here.mandat('shares', 'import', `${file}x`), { status: 2, stderr: /shared-mailboxes\.dbx/ });
});
