import type { JobEvent } from "./wire.ts";

/** Above so many unread events, progress that is out of date is let go. */
const CROWDED = 1_000;

const END = { done: true, value: undefined } as const;

/** The events that one reader has not read yet. Only progress is ever left out, if a newer is there. */
export class Backlog implements AsyncIterator<JobEvent, undefined> {
  #unread: JobEvent[] = [];
  #crowded = CROWDED;
  #over = false;
  readonly #readers: ((result: IteratorResult<JobEvent, undefined> | Promise<typeof END>) => void)[] = [];
  #done: Promise<void>;
  readonly #left: () => void;

  /**
   * @param done Settled once nothing more comes; a rejection is the reader's error.
   * @param left Called when the reader goes.
   */
  constructor(done: Promise<void>, left: () => void) {
    this.#done = done;
    this.#left = left;
  }

  put(event: JobEvent): void {
    const reader = this.#readers.shift();
    if (reader) reader({ done: false, value: event });
    else if (this.#unread.push(event) > this.#crowded) this.#collapse();
  }

  /** Nothing more comes. */
  end(): void {
    this.#over = true;
    for (const reader of this.#readers.splice(0)) reader(this.#end());
  }

  async next(): Promise<IteratorResult<JobEvent, undefined>> {
    const value = this.#unread.shift();
    if (value) return { done: false, value };
    return this.#over ? this.#end() : new Promise((read) => this.#readers.push(read));
  }

  async return(): Promise<typeof END> {
    this.#left();
    this.#unread = [];
    this.#done = Promise.resolve();
    this.end();
    return END;
  }

  #end(): Promise<typeof END> {
    return this.#done.then(() => END);
  }

  #collapse(): void {
    const newest = new Map(this.#unread.map((event) => [event.type + event.job, event]));
    this.#unread = this.#unread.filter(
      (event) => event.type !== "job.progress" || newest.get(event.type + event.job) === event,
    );
    // What is left may not collapse: not to look through it again at each event.
    this.#crowded = Math.max(CROWDED, 2 * this.#unread.length);
  }
}
