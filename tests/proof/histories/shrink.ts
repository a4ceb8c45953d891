/** Of a history that failed, as few steps as still fail in the same way. Knows nothing of servers. */

export interface Shrinking<Step, F> {
  /** Plays steps; undefined: all held. */
  readonly run: (steps: readonly Step[]) => Promise<F | undefined>;
  /** Whether it failed as the first one did. */
  readonly alike: (failed: F) => boolean;
  /** How often steps are played before they count as holding: what hangs on an instant doesn't fail each time. */
  readonly times: number;
  /** True once no more time is to be spent. */
  readonly over: () => boolean;
  /** A step's simpler forms, the simplest first. */
  readonly simpler?: (step: Step) => readonly Step[];
}

export interface Shrunk<F> {
  readonly least: F;
  /** How many times steps were played. */
  readonly played: number;
  /** False: the time was over before every single step had been tried. */
  readonly done: boolean;
}

/** Takes out halves, then smaller parts, then single steps until none can go; then makes those that are left simpler. */
export async function shrink<Step, F extends { readonly steps: readonly Step[] }>(
  failed: F,
  { run, alike, times, over, simpler = () => [] }: Shrinking<Step, F>,
): Promise<Shrunk<F>> {
  let least = failed;
  let played = 0;
  const fails = async (steps: readonly Step[]): Promise<boolean> => {
    for (let time = 0; time < times && steps.length > 0 && !over(); time++) {
      played++;
      const again = await run(steps);
      if (again === undefined || !alike(again)) continue;
      least = again;
      return true;
    }
    return false;
  };
  for (let size = Math.ceil(least.steps.length / 2); size >= 1 && !over(); ) {
    let smaller = false;
    // From the end: what comes last is most often what nothing hangs on.
    for (let from = least.steps.length - size; from > -size; from -= size) {
      const [first, behind] = [Math.max(0, from), from + size];
      if (await fails(least.steps.filter((_, index) => index < first || index >= behind))) smaller = true;
    }
    if (size > 1) size = Math.floor(size / 2);
    else if (!smaller) break;
  }
  for (let index = 0; index < least.steps.length; index++) {
    for (const form of simpler(least.steps[index] as Step))
      if (await fails(least.steps.map((one, at) => (at === index ? form : one)))) break;
  }
  return { least, played, done: !over() };
}
