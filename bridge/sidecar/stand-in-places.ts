/** The places that a stand-in takes (stand-in.ts), as the configuration names them. */
import type { Config } from '../../config/schema.ts';
import { socketmapOf } from '../sender/configured-outputs.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { doorAt, socketPlace } from '../submission/listening-place.ts';
import type { StandInPlace } from './stand-in.ts';

export interface StandInPlaces {
  readonly places: readonly StandInPlace[];
  /** Ports, whose place nobody can take while somebody listens. */
  readonly ports: readonly string[];
}

export function standInPlaces(config: Config, files: DataFiles): StandInPlaces {
  const { submission } = config;
  const map = socketmapOf(config, files);
  const copies = submission?.sentCopy === 'owner' ? [submission.copyListen] : [];
  const doors = (submission === undefined ? [] : [submission.listen, ...copies]).map((listen) =>
    doorAt(listen, config),
  );
  return {
    places: [
      ...(map === undefined ? [] : [{ ...map.place, oneAnswer: true }]),
      ...doors.flatMap((door) => (door.kind === 'socket' ? [{ ...socketPlace(door), oneAnswer: false }] : [])),
    ],
    ports: doors.flatMap((door) => (door.kind === 'port' ? [`${door.host}:${door.port}`] : [])),
  };
}
