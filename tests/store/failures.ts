/** The Failure a piece of work ends with; anything else is the test's own failure. */
import { Failure } from '../../bridge/shared/failure.ts';

export async function failure(work: () => unknown): Promise<Failure> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('a Failure was expected');
}
