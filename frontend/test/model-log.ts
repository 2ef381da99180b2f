/** What the server of the model knows: each channel's events, and what a cursor gives of them. */

import type { Channel, JobEvent } from "../src/wire.ts";

export type Random = () => number;

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Told {
  readonly event: JobEvent;
  readonly cursor: string | null;
}

interface Replay {
  readonly told: readonly Told[];
  readonly recovered: boolean | null;
  /** The position that the events begin after; null where they are a snapshot. */
  readonly from: string | null;
}

/** A channel's events, each numbered; its `time` is its number. */
export class Log {
  readonly channel: Channel;
  readonly events: JobEvent[] = [];
  over = false;
  gone = false;
  /** The token that opens it; undefined: the session does. */
  token: string | undefined;
  #epoch = 1;
  #strictSince = 1;
  /** Events up to this number are not kept. */
  trimmed = 0;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  get jobs(): string[] {
    return this.channel.startsWith("job:") ? [this.channel.slice(4)] : ["u1", "u2", "u3"];
  }

  cursorOf(place: number): string {
    return `${this.channel.replace(":", "-")}.${this.#epoch}.${place}`;
  }

  append(random: Random, last: boolean): JobEvent {
    const number = this.events.length + 1;
    const job = this.jobs[Math.floor(random() * this.jobs.length)] ?? "";
    const head = { channel: this.channel, job, name: "n", attempt: 1, time: String(number) };
    const begun = this.events.some((event) => event.job === job);
    const progress = { done: number, total: null, percent: null, message: null };
    const result = { result: 1, status_code: 200, content_type: "application/json" };
    const event: JobEvent = !begun
      ? { ...head, type: "job.started", data: {} }
      : last
        ? { ...head, type: "job.succeeded", data: result }
        : { ...head, type: "job.progress", data: progress };
    this.over = begun && last;
    this.events.push(event);
    return event;
  }

  /** The log is lost; `strict`: what is left of it knows no older cursors. */
  lose(strict: boolean): void {
    this.#epoch++;
    if (strict) this.#strictSince = this.#epoch;
    this.trimmed = this.events.length;
  }

  /** What comes after a cursor; null where it is none of this channel. */
  read(cursor: string | null): Replay | null {
    if (cursor === null) return this.#snapshots(null);
    if (cursor === "earliest") {
      if (this.trimmed === this.events.length) return this.#snapshots(false);
      return this.#after(this.trimmed, this.trimmed === 0);
    }
    const [name, epoch, place] = cursor.split(".");
    if (name !== this.channel.replace(":", "-") || Number(epoch) < this.#strictSince) return null;
    if (Number(epoch) !== this.#epoch || Number(place) < this.trimmed) return this.#snapshots(false);
    return this.#after(Number(place), true);
  }

  #after(place: number, recovered: boolean): Replay {
    const told = this.events.slice(place).map((event) => this.told(event));
    return { told, recovered, from: this.cursorOf(place) };
  }

  told(event: JobEvent): Told {
    return { event, cursor: this.cursorOf(Number(event.time)) };
  }

  #snapshots(recovered: boolean | null): Replay {
    const { channel } = this;
    const newest = new Map(this.events.map((event) => [event.job, event]));
    const told = [...newest.values()].map((event, place, all): Told => {
      const { job, name, attempt, time, type } = event;
      const status = type === "job.succeeded" ? "succeeded" : "running";
      const document = { id: job, name, status, attempt, progress: null, result: null, error: null } as const;
      const data = { ...document, run_at: null, ...(recovered === false && { recovered }) };
      const cursor = place === all.length - 1 ? this.cursorOf(this.events.length) : null;
      return { event: { channel, job, name, attempt, time, type: "job.snapshot", data }, cursor };
    });
    return { told, recovered, from: told.length ? null : this.cursorOf(this.events.length) };
  }
}
