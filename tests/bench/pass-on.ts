/** The floor of a submission filter, as a process: reads no header, asks no table, and hands messages back as the filter does. */
import { SMTPServer } from 'smtp-server';
import { greetAtOnce } from '../../bridge/submission/greeting.ts';
import { chunksOf } from '../../bridge/submission/header-block.ts';
import { openReinjection } from '../../bridge/submission/reinjection.ts';

const [socket = '', port = ''] = process.argv.slice(2);
const reinjection = openReinjection({ host: '127.0.0.1', port: Number(port) }, { replyMs: 90_000 });
const server = new SMTPServer({
  disabledCommands: ['AUTH', 'STARTTLS'],
  authOptional: true,
  useXForward: true,
  disableReverseLookup: true,
  onData: (stream, { envelope }, callback) => {
    const work = async () => {
      const mail = `MAIL FROM:<${envelope.mailFrom === false ? '' : envelope.mailFrom.address}>`;
      const recipients = envelope.rcptTo.map(({ address }) => `RCPT TO:<${address}>`);
      const delivery = await reinjection.begin({ xforward: [], mail, recipients });
      const chunks = chunksOf(stream);
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next())
        await delivery.write(next.value);
      await delivery.finish();
    };
    work().then(() => callback(), callback);
  },
});
server.on('error', () => {});
greetAtOnce(server);
process.umask(0);
server.listen(socket);
process.once('SIGTERM', () => process.exit());
