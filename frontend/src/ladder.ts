import type { Transport } from "./source.ts";

/** The transports, the best first. */
export const TRANSPORTS: readonly Transport[] = ["websocket", "sse", "long-polling", "polling"];

/** Failures in a row after which a transport is left: one that has worked before, and another. */
const PATIENT = 3;
const WARY = 2;
/** The same on the way down: where a server is away none works, and the way back is not to be long. */
const HASTY = 1;
/** Milliseconds on a lower rung until a better one is tried: at first, and at most. */
const SOON = 30_000;
const LATE = 600_000;

/** Which transport to use: down where one does not work, and up again later. */
export class Ladder {
  /** Milliseconds until a better one is worth a try. */
  pause = SOON;
  readonly #rungs: readonly Transport[];
  readonly #proven = new Set<Transport>();
  #home: number;
  #at: number;
  /** That which was tried last. */
  #better = -1;
  #failures = 0;

  /** @param first Where to begin: that which has worked the last time. */
  constructor(rungs: readonly Transport[], first: string | null) {
    this.#rungs = rungs;
    this.#home = this.#at = Math.max(0, rungs.map(String).indexOf(String(first)));
  }

  /** That which is in use; undefined where there is none at all. */
  get transport(): Transport | undefined {
    return this.#rungs[this.#at];
  }

  get isTop(): boolean {
    return this.#at === 0;
  }

  /** It works. */
  heard(): void {
    if (this.transport) this.#proven.add(this.transport);
    this.#home = this.#at;
  }

  /** It has worked for a while. */
  steady(): void {
    this.#failures = 0;
    if (this.isTop) this.pause = SOON;
  }

  /**
   * It has failed; returns whether there is another to go on with at once.
   *
   * @param silent It connected, and nothing was heard.
   * @param unfit It cannot work here.
   */
  failed(silent = false, unfit = false): boolean {
    const proven = this.transport !== undefined && this.#proven.has(this.transport);
    const patience = this.#at !== this.#home ? HASTY : proven ? PATIENT : WARY;
    this.#failures++;
    if (!unfit && !(silent && !proven) && this.#failures < patience) return false;
    this.#failures = 0;
    this.#move(this.#at + 1);
    if (this.transport) return true;
    this.#move(this.#home);
    return false;
  }

  /** A better one to try now: the best, then that below it, and so on; undefined at the top. */
  better(): Transport | undefined {
    if (this.isTop) return undefined;
    this.#better = (this.#better + 1) % this.#at;
    this.pause = Math.min(LATE, this.pause * 2);
    return this.#rungs[this.#better];
  }

  /** The better one works. */
  climb(): void {
    this.#failures = 0;
    this.#move(this.#better);
  }

  #move(at: number): void {
    this.#at = at;
    this.#better = -1;
  }
}
