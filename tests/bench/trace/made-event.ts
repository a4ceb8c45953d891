/** Events as Dovecot sends them of people at work: sessions of some commands each, folders, UIDs, now and then a refusal. */

/** Delegate `n` has the mailbox of owner `n`. */
export const PEOPLE = 20;
export const ownerName = (n: number) => `owner${n % PEOPLE}`;
export const delegateName = (n: number) => `delegate${n % PEOPLE}`;

const DONE = [
  ['SELECT', 'select', '', 'Select completed (0.001 + 0.000 secs).'],
  ['UID FETCH', 'uid_fetch', 'imap:fetch_header_fields', 'Fetch completed (0.001 + 0.000 secs).'],
  ['UID FETCH', 'uid_fetch', 'imap:fetch_body', 'Fetch completed (0.001 + 0.000 secs).'],
  ['UID FETCH', 'uid_fetch', 'imap:fetch_body', 'Fetch completed (0.001 + 0.000 secs).'],
  ['UID STORE', 'uid_store', '', 'Store completed (0.001 + 0.000 secs).'],
] as const;

/** The JSON text of the `n`th; five in a row are of one session, a third of them the owner's own. Each is one access. */
export function madeEvent(n: number): string {
  const session = Math.floor(n / DONE.length);
  const isOwner = session % 3 === 0;
  const owner = `${ownerName(session)}@lab.test`;
  const [name, reason, opened, said] = DONE[n % DONE.length] ?? DONE[0];
  const folder = ['INBOX', 'Sent', 'Archives/2026', `Patients ${session % 30}`][session % 4] ?? 'INBOX';
  const mailbox = isOwner ? folder : folder === 'INBOX' ? `shared/${owner}` : `shared/${owner}/${folder}`;
  const uid = 1000 + ((n * 7919) % 60_000);
  const args =
    name === 'SELECT'
      ? `"${mailbox}"`
      : name === 'UID STORE'
        ? `${uid} +FLAGS.SILENT (\\Seen)`
        : opened === 'imap:fetch_body'
          ? `${uid} (UID RFC822.SIZE BODY.PEEK[])`
          : `${uid}:${uid + 49} (UID FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])`;
  const refused = n % 97 === 0;
  const ended = new Date(Date.now()).toISOString().replace('Z', '000Z');
  return JSON.stringify({
    event: 'imap_command_finished',
    hostname: 'mail',
    start_time: ended,
    end_time: ended,
    categories: ['imap', 'service:imap'],
    fields: {
      user: isOwner ? owner : `${delegateName(session)}@lab.test`,
      local_ip: '192.0.2.1',
      local_port: 993,
      remote_ip: `198.51.100.${session % 200}`,
      remote_port: 1024 + (session % 60_000),
      session: `${session.toString(36).padStart(8, 'a')}GFhYKF/`,
      duration: 368,
      cmd_tag: `t${n % 1000}`,
      cmd_name: name,
      cmd_input_name: name,
      cmd_args: args,
      cmd_human_args: args,
      tagged_reply_state: refused ? 'NO' : 'OK',
      tagged_reply: refused ? 'NO [NOPERM] Permission denied' : `OK ${said}`,
      last_run_time: ended,
      running_usecs: 360,
      lock_wait_usecs: 50,
      bytes_in: 21,
      bytes_out: 332,
      reason_code: [`imap:cmd_${reason}`, ...(opened === '' ? [] : [opened])],
      mailbox,
    },
  });
}
