/** The submission service as a logged-in user sees it: what they may put into MAIL FROM. */
import { connectSmtp, type RawSmtp, type SmtpAnswer } from '../../config/lab/raw-smtp.ts';
import { at, password, type Site } from './site.ts';

/** Logged in. `name` is an account of the site, `alice` for alice@lab.test; another login and its password may be given. */
export async function submissionAs(
  site: Pick<Site, 'lab'>,
  name: string,
  login = at(name),
  secret = password(name),
): Promise<RawSmtp> {
  const session = await connectSmtp(site.lab.submission);
  await session.ehlo();
  const { code, text } = await session.authPlain(login, secret);
  if (code !== 235) throw new Error(`SMTP login of ${login}: ${code} ${text}`);
  return session;
}

/** The answer to a sender, at MAIL FROM or at RCPT TO. Nothing is sent; the session can be used again. */
export async function askSender(session: RawSmtp, from: string, to = at('alice')): Promise<SmtpAnswer> {
  const mail = await session.command(`MAIL FROM:<${from}>`);
  const answer = mail.code === 250 ? await session.command(`RCPT TO:<${to}>`) : mail;
  await session.command('RSET');
  return answer;
}

/** Asks in a session of its own. */
export async function senderAnswer(site: Pick<Site, 'lab'>, name: string, from: string): Promise<SmtpAnswer> {
  const session = await submissionAs(site, name);
  try {
    return await askSender(session, from);
  } finally {
    session.close();
  }
}

/** What Postfix says to somebody who may not use an address, in its own words. */
export function refusal(name: string, from: string): SmtpAnswer {
  return { code: 553, text: `5.7.1 <${from}>: Sender address rejected: not owned by user ${at(name)}` };
}
