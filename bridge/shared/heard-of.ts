/** Processes on other machines are known by what they note of themselves: that they are there, once a minute. Times in milliseconds. */

export const NOTED_EVERY_MS = 60_000;

/** Two of them missed, and one on its way. */
const SILENT_MS = 150_000;

/** `heard`: when it was last heard of, an ISO time. One that was not for so long is no more there. */
export const isHeardOf = (heard: string, now: number): boolean => now - Date.parse(heard) < SILENT_MS;
