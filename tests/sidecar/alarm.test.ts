import t from 'tap';
import { openAlarm } from '../../bridge/sidecar/alarm.ts';
import { waitFor } from '../../config/lab/wait.ts';

const timers = () => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;

t.test('it rings once, at what it was set to last', async (t) => {
  let rung = 0;
  const alarm = openAlarm(() => rung++);
  alarm.set(3_600_000);
  alarm.set(0);
  await waitFor('the alarm', 5000, () => rung > 0);
  t.equal(rung, 1);
  alarm.close();
});

t.test('closed, it keeps no process, whoever sets it afterwards', async (t) => {
  const before = timers();
  const alarm = openAlarm(() => {});
  alarm.set(3_600_000);
  t.equal(timers(), before + 1);
  alarm.close();
  alarm.set(3_600_000);
  t.equal(timers(), before);
});
