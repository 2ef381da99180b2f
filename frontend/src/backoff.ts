/** How long to wait before the next try. */

import type { Environment } from "./environment.ts";

const FIRST = 1_000;
const LONGEST = 30_000;
/** However the dice fall: no failure makes a busy loop. */
const SHORTEST = 100;

/**
 * Milliseconds to wait after so many tries have failed in a row: exponential, with full jitter, up
 * to half a minute.
 *
 * @param failures From 1.
 * @param random From 0 to 1.
 */
export function backoff(failures: number, random: () => number): number {
  return Math.max(SHORTEST, random() * Math.min(LONGEST, FIRST * 2 ** (failures - 1)));
}

/**
 * Milliseconds from `now` that `Retry-After` asks for, in seconds or as a date (RFC 9110, section
 * 10.2.3); null where it does not.
 */
export function retryAfter(headers: Headers, now: number): number | null {
  const text = headers.get("Retry-After") ?? "";
  const wait = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(wait) ? null : Math.max(0, wait);
}

/** Wait so many milliseconds, or until the signal is aborted. */
export const pause = (after: Environment["after"], milliseconds: number, signal?: AbortSignal | null) =>
  new Promise<void>((resolve) => {
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = after(signal?.aborted ? 0 : milliseconds, done);
    signal?.addEventListener("abort", done);
  });
