// In place of async-hook-domain, by which tap finds out which test an error belongs to that nobody has caught: that one follows every
// promise from its creation to its collection, a seventh of all processor time here. With this, such an error fails the file as a
// whole; its stack says where it comes from. `npx tap FILE` runs a test with tap's own.

type Handler = (error: unknown, event: 'unhandledRejection' | 'uncaughtException') => unknown;

/** The outermost first. */
const living: Domain[] = [];

export class Domain {
  readonly onerror: Handler;

  constructor(onerror: Handler) {
    this.onerror = onerror;
    living.push(this);
  }

  destroy(): void {
    const at = living.indexOf(this);
    if (at >= 0) living.splice(at, 1);
  }
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    const [outermost] = living;
    if (outermost !== undefined) outermost.onerror(error, event);
    else {
      console.error(error);
      process.exitCode = 1;
    }
  });
}
