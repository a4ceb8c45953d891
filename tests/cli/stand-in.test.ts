/** `mandat stand-in` where there is nothing to stand in for. */
import t from 'tap';
import { desk, WITH_SENDERS } from './desk.ts';

t.test('no socket, or a port: a sentence, and 2', async (t) => {
  const bare = await desk(t, { config: WITH_SENDERS });
  t.match(await bare.mandat('stand-in', '--foreground'), {
    status: 2,
    stdout: '',
    stderr: /^mandat: there is nothing to stand in for: no socket is configured\n {8}see \[submission\]/,
  });
  const listen = 'listen = "127.0.0.1:10026"\nsent_copy = "none"\nreinject = "127.0.0.1:10027"\n';
  const port = await desk(t, { config: `${WITH_SENDERS}[submission]\n${listen}` });
  t.match(await port.mandat('stand-in', '--foreground'), {
    status: 2,
    stderr: /^mandat: there is nothing to stand in for: 127\.0\.0\.1:10026 can't be taken over: it is a port\n/,
  });
  t.match(await port.mandat('stand-in', '--for', '-1'), { status: 2, stderr: /number of seconds/ });
});
