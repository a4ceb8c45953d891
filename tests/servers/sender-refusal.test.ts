/** When a sender is refused: at MAIL FROM, where mail programs say that it is the sender. And what refusing at once does to other restrictions. */
import path from 'node:path';
import t from 'tap';
import { connectSmtp } from '../../config/lab/raw-smtp.ts';
import { examined, postfixDirectory, rewritten } from '../doctor/breakage.ts';
import { at, password, type Site, startSite } from './site.ts';
import { refusal, submissionAs } from './submission.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob', 'carol'] });
});
t.teardown(() => site?.stop());

t.test('a sender is refused at MAIL FROM, in a session that goes on', async (t) => {
  const carol = await submissionAs(site, 'carol');
  t.teardown(() => carol.close());
  t.same(await carol.command(`MAIL FROM:<${at('alice')}>`), refusal('carol', at('alice')));
  t.match(await carol.command(`RCPT TO:<${at('bob')}>`), { code: 503 }, 'and nothing has begun');
  t.match(await carol.sendMail(at('carol'), at('bob'), 'Subject: x\r\n\r\nx'), { at: 'accepted' });
});

/** The first refusal of a client that wants to log in and send as itself, or undefined. */
async function refused(name: string): Promise<string | undefined> {
  const session = await connectSmtp(site.lab.submission);
  try {
    const steps = [
      session.greeting,
      () => session.ehlo('MARTIN-PC'),
      () => session.authPlain(at(name), password(name)),
      () => session.command(`MAIL FROM:<${at(name)}>`),
      () => session.command(`RCPT TO:<${at('alice')}>`),
    ];
    for (const step of steps) {
      const { code, text } = typeof step === 'function' ? await step() : step;
      if (code >= 400) return `${code} ${text}`;
    }
    return undefined;
  } finally {
    session.close();
  }
}

t.test(
  'restrictions that spare who has logged in spare nobody at once: the doctor sees it, and its remedy helps',
  async (t) => {
    const master = path.join(postfixDirectory(site), 'master.cf');
    const withOption = async (...options: readonly string[]) => {
      await site.lab.stopPostfix();
      const mend = await rewritten(master, (text) =>
        text.replace(/ {2}-o smtpd_delay_reject=no/, `$&\n${options.map((option) => `  -o ${option}`).join('\n')}`),
      );
      await site.lab.startPostfix();
      return mend;
    };
    for (const [option, saysPostfix, status, remedy] of [
      [
        'smtpd_client_restrictions=permit_sasl_authenticated,reject',
        /^554 5\.7\.1 .*Client host rejected/,
        'fail',
        'smtpd_client_restrictions=',
      ],
      [
        'smtpd_helo_restrictions=permit_sasl_authenticated,reject',
        /^554 5\.7\.1 .*Helo command rejected/,
        'fail',
        'smtpd_helo_restrictions=',
      ],
      [
        'smtpd_helo_restrictions=permit_sasl_authenticated,reject_non_fqdn_helo_hostname',
        /^504 5\.5\.2 <MARTIN-PC>/,
        'warn',
        'smtpd_helo_restrictions=',
      ],
    ] as const) {
      let mend = await withOption(option);
      t.match(await refused('bob'), saysPostfix, option);
      const found = (await examined(site)).get('refused senders');
      t.match(found, { status, remedy: `-o ${remedy} there` }, option);
      await mend();
      mend = await withOption(option, remedy);
      t.equal(await refused('bob'), undefined, `${option}, then ${remedy}`);
      t.match((await examined(site)).get('refused senders'), { status: 'ok' });
      await mend();
      mend = await withOption(option, 'smtpd_delay_reject=yes');
      t.equal(await refused('bob'), undefined, `${option}, as Postfix is by default`);
      await mend();
    }
  },
);
