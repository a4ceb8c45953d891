/** Whether notices could be sent: does the SMTP server answer, is there anything to say? Nothing is sent. */
import { letter } from '../notify/letter.ts';
import { NotTaken, openSmtp } from '../notify/smtp.ts';
import { NOTICES, openTemplates } from '../notify/templates.ts';
import { smtpPassword } from './files.ts';
import { type Check, fail, ok, skipped } from './finding.ts';

export const noticeServer: Check = {
  name: 'notice server',
  needs: [smtpPassword],
  look: async ({ config: { notices }, env }) => {
    if (notices === undefined) return skipped('[notices] is not configured');
    const { host, port, tls, user } = notices;
    const server = openSmtp(notices, env);
    try {
      await server.answers();
      return ok(`${host}:${port} answers (${tls})${user === undefined ? '' : `, and takes the login ${user}`}`);
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error;
      return fail(error.message, error.hint);
    } finally {
      server.close();
    }
  },
};

/** Each of them is put together once. */
export const noticeTemplates: Check = {
  name: 'notice templates',
  needs: [],
  look: ({ config: { notices, policy } }) => {
    if (notices === undefined) return skipped('[notices] is not configured');
    const templates = openTemplates(notices.templates);
    for (const one of NOTICES) letter({ ...SPECIMEN, ...one }, templates, notices, policy.timezone);
    return ok(
      `${NOTICES.length} notices in two languages${notices.templates === undefined ? '' : `, some from ${notices.templates}`}`,
    );
  },
};

const SPECIMEN = {
  id: 0,
  event: 'specimen',
  subject: 'nobody',
  mailbox: 'nobody@localhost',
  recipient: 'nobody@localhost',
  data: {
    mailbox: 'nobody@localhost',
    identifier: 'nobody',
    firstName: 'No',
    lastName: 'Body',
    why: 'start',
    by: 'admin:root',
  },
  messageId: '<specimen@localhost>',
  createdAt: '2026-01-01T00:00:00.000Z',
  state: 'waiting',
  attempts: 0,
  since: '2026-01-01T00:00:00.000Z',
  nextAt: null,
  sentAt: null,
  error: null,
} as const;
