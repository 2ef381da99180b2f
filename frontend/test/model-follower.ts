/** Who follows a channel of the model's server, and checks all that is told against its log. */

import type { PushjobsError } from "../src/errors.ts";
import type { Sink } from "../src/source.ts";
import type { JobEvent } from "../src/wire.ts";
import type { Log } from "./model-log.ts";

/** Which snapshots may come: only before all else, or also later, if they are not older than what was told. */
type Snapshots = "at first" | "newer" | "any";

export class Checker implements Sink {
  readonly log: Log;
  readonly diary: string[] = [];
  /** What was told, or not, against the contract. */
  readonly wrongs: string[] = [];
  /** The number of the event that the cursor stands after; null before the first. */
  place: number | null = null;
  cursor: string | null = null;
  over: "ended" | "failed" | "stopped" | null = null;
  readonly #anyPlace: boolean;
  readonly #snapshots: Snapshots;
  /** The number of the newest event that is known of each job. */
  readonly #known = new Map<string, number>();

  constructor(log: Log, cursor: string | null, snapshots: Snapshots = "newer") {
    this.log = log;
    this.#snapshots = snapshots;
    this.#anyPlace = cursor === "earliest";
    this.cursor = cursor;
    if (cursor !== null && !this.#anyPlace) {
      this.place = Number(cursor.split(".")[2]);
      for (const job of log.jobs) this.#known.set(job, this.#newest(job, this.place));
    }
  }

  event(event: JobEvent, cursor: string | null): void {
    const number = Number(event.time);
    this.diary.push(`${event.type.slice(4)} ${number} ${cursor}`);
    this.#isOpen();
    if (event.type === "job.snapshot") {
      if (this.#snapshots === "at first" && this.cursor !== null)
        this.#wrong(`a snapshot after ${this.place}`);
      // Who joins others that are behind, or another tab that is, is told how far they are.
      if (this.diary.length === 1 || this.#snapshots === "any") this.place = 0;
      else if (number < (this.#known.get(event.job) ?? 0)) this.#wrong(`a snapshot of the past: ${number}`);
    } else if (this.place === null && this.#anyPlace) {
      this.place = number - 1;
      for (const job of this.log.jobs) this.#known.set(job, this.#newest(job, this.place));
    } else if (this.place === null || number !== this.place + 1) {
      this.#wrong(`event ${number} after ${this.place}`);
    }
    this.#known.set(event.job, number);
    if (cursor !== null) this.#moved(cursor);
  }

  moved(cursor: string): void {
    this.diary.push(`moved ${cursor}`);
    this.#isOpen();
    if (this.place === null && this.#anyPlace) {
      this.place = Number(cursor.split(".")[2]);
      for (const job of this.log.jobs) this.#known.set(job, this.#newest(job, this.place));
    }
    this.#moved(cursor);
  }

  ended(): void {
    this.diary.push("ended");
    this.#isOpen();
    this.over = "ended";
    if (!this.log.over) this.#wrong("the end of what goes on");
    if (!this.isComplete) this.#wrong("ended before all was told");
  }

  failed(error: PushjobsError): void {
    this.diary.push(`failed ${error.code}`);
    this.#isOpen();
    this.over = "failed";
    if (!this.log.gone) this.#wrong(`failed, though it is there: ${error.code}`);
  }

  get isComplete(): boolean {
    return this.log.jobs.every((job) => (this.#known.get(job) ?? 0) === this.#newest(job, Infinity));
  }

  #moved(cursor: string): void {
    const place = Number(cursor.split(".")[2]);
    if (place < (this.place ?? 0)) this.#wrong(`back to ${place}`);
    this.place = place;
    this.cursor = cursor;
    for (const job of this.log.jobs) {
      const [known = 0, newest] = [this.#known.get(job), this.#newest(job, place)];
      if (known !== newest)
        this.#wrong(`at ${place} ${job} is known up to ${known}, and stands at ${newest}`);
    }
  }

  #newest(job: string, place: number): number {
    const event = this.log.events.findLast((event) => event.job === job && Number(event.time) <= place);
    return Number(event?.time ?? 0);
  }

  #isOpen(): void {
    if (this.over) this.#wrong(`told after it was ${this.over}`);
  }

  #wrong(what: string): void {
    this.wrongs.push(`${this.log.channel}: ${what}`);
  }
}
