/** Several followers of a channel on one source. */

import type { PushjobsError } from "./errors.ts";
import { JobBoard, retold, snapshotOf } from "./job.ts";
import type { ConnectionState, Sink, Source, Start } from "./source.ts";
import type { Store } from "./store.ts";
import type { Channel, JobEvent } from "./wire.ts";

interface Follower {
  readonly start: Start;
  readonly sink: Sink;
  /** It has yet to be told how the jobs stand. */
  late: boolean;
}

/** Lets a channel be followed many times, where `inner` takes it once. */
export class Channels implements Source {
  readonly state: Store<ConnectionState>;
  readonly #inner: Source;
  readonly #shared = new Map<Channel, SharedChannel>();

  constructor(inner: Source) {
    this.#inner = inner;
    this.state = inner.state;
  }

  follow(channel: Channel, start: Start, sink: Sink): () => void {
    let shared = this.#shared.get(channel);
    if (shared === undefined) {
      shared = new SharedChannel(channel, start, this.#inner, () => this.#shared.delete(channel));
      this.#shared.set(channel, shared);
    }
    return shared.join({ start, sink, late: false });
  }

  close(): void {
    this.#shared.clear();
    this.#inner.close();
  }
}

class SharedChannel implements Sink {
  readonly #channel: Channel;
  readonly #single: boolean;
  readonly #inner: Source;
  readonly #letGo: () => void;
  readonly #followers = new Set<Follower>();
  #start: Start;
  #board: JobBoard;
  #cursor: string | null;
  /** Whether something came without a cursor since the cursor: who starts from it lacks that. */
  #beyond = false;
  #heard: boolean;
  /** Whether what is known is all: what comes after a cursor is not, nor is the log of many jobs. */
  #whole: boolean;
  #stop = () => {};

  constructor(channel: Channel, start: Start, inner: Source, letGo: () => void) {
    this.#channel = channel;
    this.#inner = inner;
    this.#letGo = letGo;
    this.#start = start;
    this.#cursor = start.cursor ?? null;
    const { document, known } = start;
    const jobs = document ? [snapshotOf(document)] : known?.();
    this.#board = new JobBoard(jobs);
    this.#heard = this.#board.jobs.size > 0;
    this.#single = channel.startsWith("job:");
    this.#whole = this.#cursor === null || jobs !== undefined;
  }

  join(follower: Follower): () => void {
    const followers = this.#followers;
    followers.add(follower);
    if (followers.size === 1) {
      this.#follow();
    } else {
      follower.late = this.#beyond || this.#cursor !== (follower.start.cursor ?? null);
      if (this.#lacks(follower)) this.#renew();
      // As from the network: never before `follow` has returned.
      queueMicrotask(() => this.#heard && this.#welcome(follower));
    }
    return () => {
      if (!followers.delete(follower) || followers.size > 0) return;
      this.#letGo();
      this.#stop();
    };
  }

  event(event: JobEvent, cursor: string | null): void {
    this.#board.take(event, cursor);
    this.#beyond = cursor === null;
    // The last of the snapshots of all jobs is the one that moves the cursor.
    const last = event.type === "job.snapshot" && cursor !== null;
    if (last || (this.#single && this.#board.jobs.get(event.job)?.outputComplete)) this.#whole = true;
    this.#tell(cursor, (sink) => sink.event(event, cursor));
  }

  moved(cursor: string): void {
    this.#beyond = false;
    this.#tell(cursor, (sink) => sink.moved(cursor));
  }

  ended(): void {
    this.#letGo();
    const followers = [...this.#followers];
    for (const follower of followers) this.#welcome(follower);
    for (const follower of followers) if (this.#followers.delete(follower)) follower.sink.ended();
  }

  failed(error: PushjobsError): void {
    const { token } = this.#start;
    const refused = [...this.#followers].filter(({ start }) => start.token === token);
    for (const follower of refused) this.#followers.delete(follower);
    const [next] = this.#followers;
    if (next) {
      // By another's right, if theirs is another.
      this.#start = { token: next.start.token, cursor: this.#cursor };
      this.#follow();
    } else {
      this.#letGo();
    }
    for (const { sink } of refused) sink.failed(error);
  }

  /** Whether it takes an event to see if the log of the job still has all of it. */
  get #untold(): boolean {
    return this.#single && this.#start.cursor === "earliest" && this.#board.jobs.size === 0;
  }

  /** Whether what is known is too little to tell who comes late. */
  #lacks({ late, start }: Follower): boolean {
    return late && !start.catchesUp && !this.#whole && !this.#untold;
  }

  #follow(): void {
    const known = () => (this.#whole ? this.#retold() : undefined);
    this.#stop = this.#inner.follow(this.#channel, { ...this.#start, known }, this);
  }

  /** Begin anew, with a snapshot for all. */
  #renew(): void {
    this.#stop();
    this.#board = new JobBoard();
    this.#cursor = null;
    this.#heard = false;
    this.#whole = true;
    this.#start = { token: this.#start.token };
    for (const follower of this.#followers) follower.late = false;
    this.#follow();
  }

  #tell(cursor: string | null, tell: (sink: Sink) => void): void {
    this.#heard = true;
    this.#cursor = cursor ?? this.#cursor;
    const followers = [...this.#followers];
    if (followers.some((follower) => this.#lacks(follower))) {
      this.#renew();
      return;
    }
    for (const follower of followers) {
      if (follower.late) this.#welcome(follower);
      else if (this.#followers.has(follower)) tell(follower.sink);
    }
  }

  #retold(): readonly JobEvent<"job.snapshot">[] {
    const told = [...this.#board.jobs.values()].map((job) => retold(job, this.#channel));
    return told.filter((event) => event !== undefined);
  }

  /** Tell who comes late how the jobs stand, and then, by the last, from where to go on. */
  #welcome(follower: Follower): void {
    const { late, sink, start } = follower;
    if (!late || this.#untold || !this.#followers.has(follower)) return;
    follower.late = false;
    const events = this.#whole || !start.catchesUp ? this.#retold() : [];
    const last = events.length - 1;
    events.forEach((event, place) => {
      if (this.#followers.has(follower)) sink.event(event, place === last ? this.#cursor : null);
    });
    if (last < 0 && this.#cursor !== null) sink.moved(this.#cursor);
  }
}
