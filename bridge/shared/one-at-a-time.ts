/**
 * The job as a function that may be called at any moment: it runs once at a time, and what is asked for meanwhile is done once more at
 * the end. Resolves when nothing is left to do; what a run throws is handed to `failed`.
 */
export function oneAtATime(job: () => Promise<void>, failed: (error: unknown) => void): () => Promise<void> {
  let running: Promise<void> | undefined;
  let again = false;
  const run = async (): Promise<void> => {
    do {
      again = false;
      await job().catch(failed);
    } while (again);
    running = undefined;
  };
  return () => {
    if (running === undefined) running = run();
    else again = true;
    return running;
  };
}
