import type { Lab } from './lab.ts';
import { connectImap, quoted } from './raw-imap.ts';

export interface Message {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly body: string;
}

/** Puts a message into a user's folder, as that user; the folder is made when it is missing. */
export async function deliver(lab: Lab, user: string, folder: string, message: Message): Promise<void> {
  const imap = await connectImap(lab.imap);
  try {
    const { status, text } = await imap.loginAs(user, lab.master.user, lab.master.password);
    if (status !== 'OK') throw new Error(`cannot log in as ${user}: ${text}`);
    let answer = await imap.append(folder, rfc5322(message));
    if (/TRYCREATE/.test(answer.text)) {
      await imap.command(`CREATE ${quoted(folder)}`);
      answer = await imap.append(folder, rfc5322(message));
    }
    if (answer.status !== 'OK') throw new Error(`cannot deliver to ${folder} of ${user}: ${answer.text}`);
  } finally {
    imap.close();
  }
}

let messages = 0;

/** The message on the wire: header, empty line, body, CRLF throughout. */
export function rfc5322({ from, to, subject, body }: Message): string {
  const header = [
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${subject}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${process.pid}.${++messages}.${Date.now()}@lab.test>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
  ];
  return `${header.join('\r\n')}\r\n\r\n${body.replace(/\r?\n/g, '\r\n')}\r\n`;
}
