/**
 * One contract for every output of the sender rules, asked of the program that really reads it: whoever publishes, the server's answers
 * to MAIL FROM are these. What a server can't do is a property of its subject, and stands in docs/server-notes.md.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Test } from 'tap';
import type { SenderRule } from '../../acl/desired.ts';
import { SENDER_FILE } from '../../bridge/store/published/sender-map.ts';
import { at } from '../servers/site.ts';
import { type Publisher, startPublisher } from './publishing.ts';

/** `later`: 4xx, neither yes nor no. */
export type Verdict = 'yes' | 'no' | 'later';

export interface Asking {
  ask(from: string): Promise<Verdict>;
  close(): void;
}

export interface Subject {
  /** Holds everything of mandat's. */
  readonly dataDir: string;
  readonly configFile: string;
  /** The file that is published, where the output is one. */
  readonly file: string | undefined;
  /** Logged in as one of alice, bob, carol and dave. */
  session(name: string): Promise<Asking>;
  /** Who may use an owner's address with an extension. */
  readonly extensions: 'owner alone' | 'delegates too';
  readonly emptySender: Verdict;
  /** What a session that is open when something is revoked says of it. */
  readonly openSession: Verdict;
  /** What the server says while no sidecar runs. */
  readonly alone: 'as published' | 'later';
  /** How often a publisher is killed. */
  readonly kills: number;
}

const ALICE = 1;
const CROWD = 2;
const SIZE = 2000;

const rules = (addresses: readonly string[], logins: readonly string[]): readonly SenderRule[] =>
  addresses.flatMap((address) => logins.map((login) => ({ address: at(address), login: at(login) })));
const crowd = (login: string) =>
  rules(
    Array.from({ length: SIZE }, (_, n) => `a${n}`),
    [login],
  );
const GRANTED = rules(['alice', 'doc'], ['alice', 'bob']);
const REVOKED = rules(['alice', 'doc'], ['alice']);

export async function senderContract(t: Test, subject: Subject): Promise<void> {
  let publisher: Publisher = await startPublisher(subject.configFile);
  t.teardown(() => publisher.end('SIGKILL'));
  const publish = async (mailbox: number, what: readonly SenderRule[]) =>
    t.equal(await publisher.publish(mailbox, what), 'done');
  const restart = async () => {
    publisher = await startPublisher(subject.configFile);
    t.equal(publisher.began, 'done');
  };
  /** Each in a session of its own, which knows nothing of before. */
  const verdicts = async (questions: readonly (readonly [who: string, from: string])[]) => {
    const found: Record<string, Verdict> = {};
    for (const name of new Set(questions.map(([who]) => who))) {
      const session = await subject.session(name);
      for (const [who, from] of questions) if (who === name) found[`${who} as <${from}>`] = await session.ask(from);
      session.close();
    }
    return found;
  };

  t.equal(publisher.began, 'done');

  await t.test('nothing published: everybody their own address', async (t) => {
    t.same(
      await verdicts([
        ['alice', at('alice')],
        ['bob', at('bob')],
        ['bob', at('alice')],
        ['alice', at('doc')],
      ]),
      {
        'alice as <alice@lab.test>': 'yes',
        'bob as <bob@lab.test>': 'yes',
        'bob as <alice@lab.test>': 'no',
        'alice as <doc@lab.test>': 'no',
      },
    );
  });

  await t.test('owner, alias, delegate, stranger; not before and not after', async (t) => {
    await publish(ALICE, REVOKED);
    const questions = [
      ['alice', at('alice')],
      ['alice', at('doc')],
      ['alice', at('ALICE')],
      ['alice', at('alice+liste')],
      ['alice', ''],
      ['bob', at('alice')],
      ['bob', 'Alice@LAB.test'],
      ['bob', at('doc')],
      ['bob', at('alice+liste')],
      ['bob', at('bob+liste')],
      ['bob', 'alice@other.test'],
      ['bob', at('alice.')],
      ['bob', at('alic')],
      ['bob', ''],
      ['carol', at('alice')],
      ['carol', at('doc')],
      ['carol', at('carol')],
      ['carol', at('nobody')],
    ] as const;
    const never = {
      'alice as <alice@lab.test>': 'yes',
      'alice as <doc@lab.test>': 'yes',
      'alice as <ALICE@lab.test>': 'yes',
      'alice as <alice+liste@lab.test>': 'yes',
      'alice as <>': subject.emptySender,
      'bob as <alice@lab.test>': 'no',
      'bob as <Alice@LAB.test>': 'no',
      'bob as <doc@lab.test>': 'no',
      'bob as <alice+liste@lab.test>': 'no',
      'bob as <bob+liste@lab.test>': 'yes',
      'bob as <alice@other.test>': 'no',
      'bob as <alice.@lab.test>': 'no',
      'bob as <alic@lab.test>': 'no',
      'bob as <>': subject.emptySender,
      'carol as <alice@lab.test>': 'no',
      'carol as <doc@lab.test>': 'no',
      'carol as <carol@lab.test>': 'yes',
      'carol as <nobody@lab.test>': 'no',
    };
    t.same(await verdicts(questions), never, 'before');
    await publish(ALICE, GRANTED);
    t.same(
      await verdicts(questions),
      {
        ...never,
        'bob as <alice@lab.test>': 'yes',
        'bob as <Alice@LAB.test>': 'yes',
        'bob as <doc@lab.test>': 'yes',
        'bob as <alice+liste@lab.test>': subject.extensions === 'delegates too' ? 'yes' : 'no',
      },
      'granted',
    );
    const open = await subject.session('bob');
    t.equal(await open.ask(at('alice')), 'yes');
    await publish(ALICE, REVOKED);
    t.equal(await open.ask(at('alice')), subject.openSession, 'in a session that was open');
    t.equal(await open.ask(at('bob')), 'yes', 'their own in that session');
    open.close();
    t.same(await verdicts(questions), never, 'revoked');
  });

  await t.test('thousands of rows, and published while it is asked', async (t) => {
    await publish(ALICE, GRANTED);
    await publish(CROWD, crowd('carol'));
    t.same(
      await verdicts([
        ['carol', at('a0')],
        ['carol', at(`a${SIZE - 1}`)],
        ['carol', at(`a${SIZE}`)],
        ['dave', at('a0')],
      ]),
      {
        'carol as <a0@lab.test>': 'yes',
        [`carol as <a${SIZE - 1}@lab.test>`]: 'yes',
        [`carol as <a${SIZE}@lab.test>`]: 'no',
        'dave as <a0@lab.test>': 'no',
      },
    );
    let publishing = true;
    const both = (async () => {
      for (let turn = 0; turn < 6; turn++) await publish(CROWD, crowd(turn % 2 === 0 ? 'dave' : 'carol'));
      publishing = false;
    })();
    const stands: Verdict[] = [];
    const turns: Verdict[] = [];
    while (publishing) {
      // One session after the other: after quick reloads Postfix's master lets a second one wait for the end of the first.
      const [bob] = Object.values(await verdicts([['bob', at('alice')]]));
      const [carol] = Object.values(await verdicts([['carol', at('a7')]]));
      stands.push(bob ?? 'later');
      turns.push(carol ?? 'later');
    }
    await both;
    t.same(new Set(stands), new Set(['yes']), `${stands.length} times what nobody changed`);
    t.notOk(turns.includes('later'), 'what changes is yes or no');
    t.same(
      await verdicts([
        ['carol', at('a7')],
        ['dave', at('a7')],
      ]),
      {
        'carol as <a7@lab.test>': 'yes',
        'dave as <a7@lab.test>': 'no',
      },
    );
  });

  await t.test('ended and begun again', async (t) => {
    await publisher.end();
    const alone = (verdict: Verdict) => (subject.alone === 'later' ? 'later' : verdict);
    t.same(
      await verdicts([
        ['bob', at('alice')],
        ['bob', at('bob')],
        ['dave', at('alice')],
      ]),
      {
        'bob as <alice@lab.test>': alone('yes'),
        'bob as <bob@lab.test>': alone('yes'),
        'dave as <alice@lab.test>': alone('no'),
      },
    );
    const outdated = '# by another hand\n';
    if (subject.file !== undefined) writeFileSync(subject.file, outdated);
    await restart();
    t.same(
      await verdicts([
        ['bob', at('alice')],
        ['dave', at('alice')],
      ]),
      {
        'bob as <alice@lab.test>': 'yes',
        'dave as <alice@lab.test>': 'no',
      },
    );
    if (subject.file === undefined) return;
    rmSync(subject.file);
    await publish(ALICE, GRANTED);
    t.ok(
      existsSync(subject.file),
      'one that has vanished comes back with the next publishing, though nothing has changed',
    );
  });

  await t.test('killed in mid-publish, again and again', async (t) => {
    const questions = [
      ['carol', at('a0')],
      ['dave', at('a0')],
      ['dave', at(`a${SIZE - 1}`)],
      ['bob', at('alice')],
    ] as const;
    for (let round = 0; round < subject.kills; round++) {
      const [login, other] = published(subject) === at('carol') ? ['carol', 'dave'] : ['dave', 'carol'];
      const began = performance.now();
      await publish(CROWD, crowd(other ?? ''));
      const took = performance.now() - began;
      void publisher.publish(CROWD, crowd(login ?? ''));
      await new Promise((resolve) => setTimeout(resolve, (took * (round + 1)) / subject.kills)); // early in it, and late
      await publisher.end('SIGKILL');
      const found = Object.values(await verdicts(questions));
      const whole = [
        ['yes', 'no', 'no', 'yes'],
        ['no', 'yes', 'yes', 'yes'],
      ].map((answers) => answers.join());
      if (subject.alone === 'later') t.same(new Set(found), new Set(['later']));
      else t.ok(whole.includes(found.join()), `all of a change or nothing of it: ${found.join()}`);
      await restart();
      const holder = published(subject);
      t.ok(holder === at(login ?? '') || holder === at(other ?? ''), 'one of the two');
      t.same(
        Object.values(await verdicts(questions)).join(),
        whole[holder === at('carol') ? 0 : 1],
        'what the map has',
      );
    }
  });
  await publisher.end();
}

/** Whose the crowd is in the published map. */
function published({ dataDir }: Subject): string {
  const database = new Database(path.join(dataDir, 'sender', SENDER_FILE), { readonly: true });
  try {
    return database.prepare('SELECT login FROM sender_login WHERE mailbox = ? LIMIT 1').pluck().get(CROWD) as string;
  } finally {
    database.close();
  }
}
