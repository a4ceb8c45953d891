/**
 * npm run demo: the main job on a real Dovecot and a real Postfix, step by step, with what was seen on the wire.
 * Exits 0 only when every step was verified there. --keep leaves the servers running until it is interrupted.
 * --server cyrus: on a Cyrus instead (cyrus.ts).
 */
import { parseArgs } from 'node:util';
import { rfc5322 } from '../../config/lab/deliver.ts';
import type { RawImap } from '../../config/lab/raw-imap.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { demoOnCyrus } from './cyrus.ts';
import { ADA, submitted } from './screens.ts';
import { ALICE, BOB, CAROL, password, type Stage, setStage } from './stage.ts';
import { openStory, type Story, type Teller } from './story.ts';

const SHARED = `shared/${ALICE}`;
const LIMIT_MS = 10_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      keep: { type: 'boolean', default: false },
      server: { type: 'string', default: 'dovecot' },
      namespace: { type: 'string', default: 'slashes' },
    },
  });
  const began = performance.now();
  const story = openStory((line) => console.log(line));
  if (values.server === 'cyrus') return onCyrus(story, values.namespace, began);
  if (values.server !== 'dovecot') throw new Error('--server dovecot, or --server cyrus');
  const stage = await setStage();
  console.log(`A private Dovecot (${address(stage.lab.imap)}) and Postfix (${address(stage.lab.submission)}), everything below ${stage.lab.directory}.
${ALICE} owns a mailbox; ${BOB} is their delegate; ${CAROL} is a stranger. mandat's sidecar runs beside them.`);
  try {
    await tell(story, stage);
    tellEnd(story, began);
    if (values.keep) await keep(stage);
  } catch {
    process.exitCode = 1;
    console.log('\nThe demo failed. The logs:');
    for (const log of Object.values(stage.lab.logs())) console.log(`  ${log}`);
    if (values.keep) await keep(stage);
  } finally {
    await stage.stop();
  }
}

async function onCyrus(story: Story, namespace: string, began: number): Promise<void> {
  if (namespace !== 'dots' && namespace !== 'slashes') throw new Error('--namespace slashes, or --namespace dots');
  await demoOnCyrus(story, namespace);
  tellEnd(story, began);
}

function tellEnd({ steps }: Story, began: number): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`\nEvery one of the ${steps} steps was verified on the wire, in ${seconds} s.`);
}

async function tell(story: Story, stage: Stage): Promise<void> {
  const screen = async (tell: Teller, ...args: string[]) =>
    tell.screen(`mandat ${args.join(' ')}`, await stage.mandat(...args));

  await story.step('Before: the delegate sees nothing of the owner', async (tell) => {
    const bob = await stage.imap(BOB);
    const { lines } = await bob.command('LIST "" "*"');
    tell.wire(bob.transcript, /LIST/);
    tell.check('no folder of the owner', !lines.some((line) => line.includes(SHARED)));
    bob.close();
  });

  await story.step('The grant, at the command line', async (tell) => {
    await screen(tell, 'mailbox', 'add', ALICE);
    await screen(tell, 'delegate', 'add', BOB, '--first-name', 'Bob', '--last-name', 'Martin');
    await screen(tell, 'grant', ALICE, BOB);
    await screen(tell, 'list');
  });

  const open = await stage.imap(BOB); // stays open until the revoke
  await story.step('After the grant: the delegate sees the whole mailbox, and is subscribed to it', async (tell) => {
    const listed = await folders(open, 'LIST "" "shared/*"');
    const subscribed = await folders(open, 'LSUB "" "shared/*"');
    tell.wire(open.transcript, /LIST|LSUB/);
    const should = ['', '/Sent', '/Drafts', '/Junk', '/Trash', '/Archive 2026/March'].map((name) => SHARED + name);
    tell.check(
      'every folder is listed, Sent and Drafts included',
      should.every((name) => listed.includes(name)),
    );
    tell.check(
      'and subscribed, so that Thunderbird shows it',
      should.every((name) => subscribed.includes(name)),
    );
  });

  await story.step('The delegate reads a message, makes a folder, files the message there', async (tell) => {
    const selected = await open.command(`SELECT "${SHARED}"`);
    const read = await open.command('FETCH 1 BODY[TEXT]');
    const created = await open.command(`CREATE "${SHARED}/Filed by Bob"`);
    const moved = await open.command(`MOVE 1 "${SHARED}/Filed by Bob"`);
    tell.wire(open.transcript, /SELECT|FETCH|CREATE|MOVE|EXISTS|results/);
    tell.check(
      'read',
      selected.status === 'OK' && read.lines.some((line) => line.includes('The results you asked for')),
    );
    tell.check('made and filed', created.status === 'OK' && moved.status === 'OK');
    const alice = await stage.imap(ALICE);
    const there = await alice.command('STATUS "Filed by Bob" (MESSAGES)');
    tell.wire(alice.transcript, /STATUS/);
    tell.check(
      'the owner finds it there',
      there.lines.some((line) => line.includes('MESSAGES 1')),
    );
    alice.close();
  });

  await story.step("The delegate sends on the owner's behalf; a stranger can't", async (tell) => {
    const message = rfc5322({ from: ALICE, to: CAROL, subject: 'Your appointment', body: 'On behalf of Dr Alice.' });
    const bob = await stage.smtp(BOB);
    const sent = await bob.sendMail(ALICE, CAROL, message);
    tell.wire(bob.transcript, /MAIL|RCPT|queued|553/);
    tell.check('accepted from the delegate', sent.at === 'accepted');
    const carol = await stage.smtp(CAROL);
    const refused = await carol.sendMail(ALICE, BOB, message);
    tell.wire(carol.transcript, /MAIL|RCPT|queued|553/);
    tell.check(
      "refused from the stranger, in Postfix's own words",
      refused.code === 553 && /not owned by user/.test(refused.text),
    );
    const inbox = await stage.imap(CAROL);
    await waitFor('the message arrives', LIMIT_MS, async () =>
      (await inbox.command('STATUS INBOX (MESSAGES)')).lines.some((line) => line.includes('MESSAGES 1')),
    );
    await inbox.command('EXAMINE INBOX');
    const { lines } = await inbox.command('FETCH 1 (BODY.PEEK[HEADER.FIELDS (FROM SENDER SUBJECT)])');
    tell.wire(inbox.transcript, /^(From|Sender|Subject):/);
    const seen = lines.join('\n');
    tell.check(
      'it arrived: From is the owner, Sender the delegate',
      seen.includes(`From: <${ALICE}>`) && seen.includes(`Sender: <${BOB}>`),
    );
    for (const one of [bob, carol, inbox]) one.close();
  });

  await story.step(
    "The delegate can't pass for anybody else in the header, whatever the envelope says",
    async (tell) => {
      const bob = await stage.smtp(BOB);
      for (const envelope of [BOB, ALICE]) {
        const message = rfc5322({ from: CAROL, to: ALICE, subject: 'Not from Carol', body: 'Forged.' });
        const refused = await bob.sendMail(envelope, ALICE, message);
        tell.wire(bob.transcript, /MAIL|^From|queued|550/);
        tell.check(
          `MAIL FROM:<${envelope}> is theirs to use; the From of a stranger is refused`,
          refused.at === 'DATA' &&
            refused.code === 550 &&
            refused.text.startsWith(`5.7.1 <${CAROL}>: ${BOB} may not send`),
        );
      }
      bob.close();
    },
  );

  await story.step("The copy stands in the owner's Sent, read, once", async (tell) => {
    const alice = await stage.imap(ALICE);
    await waitFor('the copy is stored', LIMIT_MS, async () =>
      (await alice.command('STATUS Sent (MESSAGES)')).lines.some((line) => line.includes('MESSAGES 1')),
    );
    await alice.command('EXAMINE Sent');
    const { lines } = await alice.command('FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (FROM SENDER SUBJECT)])');
    tell.wire(alice.transcript, /FETCH|^(From|Sender|Subject):/);
    const copies = lines.filter((line) => line.includes('FETCH'));
    tell.check('one message', copies.length === 1);
    tell.check('read', copies[0]?.includes('\\Seen') === true);
    tell.check('From is the owner', copies[0]?.includes(`From: <${ALICE}>`) === true);
    tell.check('Sender is the delegate', copies[0]?.includes(`Sender: <${BOB}>`) === true);
    alice.close();
    await screen(tell, 'audit', '--mailbox', ALICE, '--limit', '1');
  });

  await story.step('A folder that the owner makes afterwards is there too', async (tell) => {
    const alice = await stage.imap(ALICE);
    await alice.command('CREATE "Made later"');
    tell.wire(alice.transcript, /CREATE/);
    alice.close();
    const bob = await stage.imap(BOB);
    const listed = await folders(bob, `LIST "" "${SHARED}/Made*"`);
    tell.wire(bob.transcript, /LIST/);
    tell.check('listed, in a new session', listed.includes(`${SHARED}/Made later`));
    bob.close();
  });

  await story.step("The delegate can't pass the mailbox on", async (tell) => {
    const answer = await open.command(`SETACL "${SHARED}" ${CAROL} lrs`);
    tell.wire(open.transcript, /SETACL|NOPERM/);
    tell.check('refused', answer.status === 'NO');
  });

  await story.step("The revoke: the delegate's open session ends", async (tell) => {
    await open.command(`SELECT "${SHARED}/Archive 2026/March"`);
    const [, bye] = await Promise.all([screen(tell, 'revoke', ALICE, BOB, '--yes'), open.waitForBye(LIMIT_MS)]);
    tell.wire(open.transcript, /BYE/);
    tell.check(`their client reads BYE (${bye})`, bye !== '');
  });

  await story.step('A new session sees nothing, and sending is refused', async (tell) => {
    const bob = await stage.imap(BOB);
    const listed = await folders(bob, 'LIST "" "shared/*"');
    const subscribed = await folders(bob, 'LSUB "" "shared/*"');
    const selected = await bob.command(`SELECT "${SHARED}"`);
    tell.wire(bob.transcript, /LIST|LSUB|SELECT|NO/);
    tell.check('nothing listed, nothing subscribed', listed.length === 0 && subscribed.length === 0);
    tell.check('SELECT refused', selected.status === 'NO');
    bob.close();
    const smtp = await stage.smtp(BOB);
    const refused = await smtp.sendMail(ALICE, CAROL, 'Subject: too late\r\n\r\nno\r\n');
    tell.wire(smtp.transcript, /MAIL|RCPT|553/);
    tell.check('sending refused', refused.code === 553);
    smtp.close();
  });

  await story.step("No entry of the delegate's is left, and the owner's mailbox is as it was", async (tell) => {
    const alice = await stage.imap(ALICE);
    const names = await folders(alice, 'LIST "" "*"');
    const entries = await Promise.all(names.map((name) => alice.command(`GETACL "${name}"`)));
    tell.wire(alice.transcript, /^\* ACL/);
    tell.check(
      'GETACL of every folder',
      entries.every(({ lines }) => !lines.some((line) => line.includes(BOB))),
    );
    alice.close();
    await screen(tell, 'verify');
  });

  await story.step('The owner grants it again, in a browser', async (tell) => {
    const { screens } = stage;
    const browser = await screens.signInAs(ALICE);
    const mailbox = `/mailboxes/${encodeURIComponent(ALICE)}`;
    const english = { headers: { 'accept-language': 'en' } };
    const form = await browser.get(`${mailbox}/add?identifier=${encodeURIComponent(BOB)}`, english);
    const added = await submitted(browser, form, { acknowledge: 'yes' });
    tell.note(`${screens.url}${mailbox}/add: POST by ${ALICE}, then ${new URL(added.url).pathname}`);
    const seen = await waitFor('the page says that it is verified', LIMIT_MS, async () =>
      /In force and verified[^<]*/.exec((await browser.get(added.url, english)).body)?.at(0),
    );
    tell.check(`their page says: "${seen}"`, seen !== '');
    const bob = await stage.imap(BOB);
    const listed = await folders(bob, 'LIST "" "shared/*"');
    tell.wire(bob.transcript, /LIST/);
    tell.check('the delegate sees it in their mail client', listed.includes(SHARED));
    bob.close();
    const theirs = await (await screens.signInAs(BOB)).get('/', english);
    tell.check('and on a page of their own', theirs.status === 200 && theirs.body.includes(ALICE));
    const stranger = await screens.signInAs(CAROL).catch(({ message }: Error) => message);
    tell.check('a stranger gets no further than the door', typeof stranger === 'string' && !stranger.includes(ALICE));
    await screen(tell, 'audit', '--mailbox', ALICE, '--limit', '3');
    tell.note(`The screens are at ${screens.url}; --keep leaves them there, for ${ALICE}, ${BOB} and ${ADA}.`);
  });
}

async function folders(imap: RawImap, command: string): Promise<readonly string[]> {
  const { lines } = await imap.command(command);
  return lines
    .filter((line) => /^\* (LIST|LSUB) /.test(line) && !/\\Noselect/i.test(line))
    .map((line) => line.replace(/^.*?\) (?:NIL|"[^"]*") /, '').replace(/^"(.*)"$/, '$1'));
}

async function keep(stage: Stage): Promise<void> {
  await stage.mandat('grant', ALICE, BOB).catch(() => {}); // where the story didn't come so far
  console.log(`
The servers stay up, and the mailbox is delegated. In a browser, ${stage.screens.url}; nobody is asked for a password:
  owner          ${ALICE}
  delegate       ${BOB}
  administrator  ${ADA}
In Thunderbird or any other mail client, for each account:
  IMAP   ${address(stage.lab.imap)}, no TLS, password as it is
  SMTP   ${address(stage.lab.submission)}, no TLS, password as it is
  owner     ${ALICE}    password ${password(ALICE)}
  delegate  ${BOB}      password ${password(BOB)}
  stranger  ${CAROL}    password ${password(CAROL)}
Grant and revoke:
  node dist/cli/main.js --config ${stage.configFile} revoke ${ALICE} ${BOB}
Stop everything: Ctrl-C here, or kill ${process.pid}`);
  await new Promise<void>((resolve) => {
    const awake = setInterval(() => {}, 3_600_000);
    const end = () => {
      clearInterval(awake);
      resolve();
    };
    process.once('SIGINT', end).once('SIGTERM', end);
  });
}

const address = ({ host, port }: { readonly host: string; readonly port: number }) => `${host}:${port}`;

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
