/** Of `mandat status`: how much room the data take, and when they were last backed up. */
import path from 'node:path';
import type { Kept } from '../bridge/acting/status/kept.ts';
import { describeReader } from '../bridge/store/files/log-readers.ts';
import { LARGE_LOG } from '../bridge/store/files/write-ahead-log.ts';
import { counted, oneLine } from './output.ts';
import { shownSize } from './sizes.ts';

type Time = (instant: string | null | undefined) => string;

export function keptLines({ disk, backup }: Kept, time: Time): readonly (readonly [string, string])[] {
  const { trace } = disk;
  const named = [
    ...disk.files.map(({ file, size, log }) => `${path.basename(file)} ${shownSize(size + log)}`),
    ...(trace.count === 0 ? [] : [`trace of access ${shownSize(trace.size)}`]),
  ];
  const free = disk.available === null ? '' : `; ${shownSize(disk.available)} free there`;
  return [
    ['disk', `${shownSize(disk.total)} (${named.join(', ')})${free}`],
    ...(backup === null ? [] : [['last backup', `${time(backup.at)}, in ${oneLine(backup.directory)}`] as const]),
  ];
}

export function keptRemarks({ disk }: Kept): readonly string[] {
  const large = disk.files.filter(({ log }) => log >= LARGE_LOG);
  return [
    ...large.map(({ file, log, readers }) => {
      const by =
        readers.length === 0 ? '' : `: ${readers.map(describeReader).map(oneLine).join(', ')} keeps reading it`;
      return `${file}-wal has grown to ${shownSize(log)}${by}\n    it is emptied as soon as nobody is reading ${path.basename(file)}`;
    }),
    ...(disk.aside.count === 0
      ? []
      : [
          `${counted(disk.aside.count, 'restore')} put aside what was there, ${shownSize(disk.aside.size)}: remove private/before-restore-* when you no longer need it`,
        ]),
  ];
}
