/** A source whose events are a test's. */

import type { PushjobsError } from "../src/errors.ts";
import type { ConnectionState, Sink, Source, Start } from "../src/source.ts";
import { Value } from "../src/store.ts";
import type { Channel, JobEvent } from "../src/wire.ts";

/** A follow of the source. What it is told once it has stopped goes nowhere. */
export class FakeFollow {
  readonly channel: Channel;
  readonly start: Start;
  readonly #sink: Sink;
  stopped = false;

  constructor(channel: Channel, start: Start, sink: Sink) {
    this.channel = channel;
    this.start = start;
    this.#sink = sink;
  }

  /** Tell events; the cursors are `c1`, `c2`… unless `cursor` is given. */
  tell(...events: JobEvent[]): void {
    for (const event of events) this.at(`c${++this.#told}`, event);
  }

  /** Tell an event with its cursor. */
  at(cursor: string | null, event: JobEvent): void {
    if (!this.stopped) this.#sink.event(event, cursor);
  }

  moved(cursor: string): void {
    if (!this.stopped) this.#sink.moved(cursor);
  }

  ended(): void {
    if (this.#stop()) this.#sink.ended();
  }

  failed(error: PushjobsError): void {
    if (this.#stop()) this.#sink.failed(error);
  }

  #told = 0;

  #stop(): boolean {
    const followed = !this.stopped;
    this.stopped = true;
    return followed;
  }
}

export class FakeSource implements Source {
  readonly state = new Value<ConnectionState>({
    status: "idle",
    transport: null,
    retryAt: null,
    latency: null,
    error: null,
    shared: false,
  });
  readonly follows: FakeFollow[] = [];
  closed = false;

  follow(channel: Channel, start: Start, sink: Sink): () => void {
    if (this.live.some((follow) => follow.channel === channel))
      throw new Error(`${channel} is followed twice`);
    const follow = new FakeFollow(channel, start, sink);
    this.follows.push(follow);
    return () => {
      follow.stopped = true;
    };
  }

  close(): void {
    this.closed = true;
    for (const follow of this.follows) follow.stopped = true;
  }

  /** What is followed now. */
  get live(): FakeFollow[] {
    return this.follows.filter((follow) => !follow.stopped);
  }

  /** The newest follow. */
  get last(): FakeFollow {
    const follow = this.follows.at(-1);
    if (follow === undefined) throw new Error("nothing was followed");
    return follow;
  }
}

/** A sink that keeps what it is told, in words. */
export class Ear implements Sink {
  readonly heard: string[] = [];
  readonly events: JobEvent[] = [];

  event = (event: JobEvent, cursor: string | null) => {
    this.events.push(event);
    this.heard.push(`${event.type.slice(4)} ${cursor}`);
  };

  moved = (cursor: string) => void this.heard.push(`moved ${cursor}`);
  ended = () => void this.heard.push("ended");
  failed = (error: PushjobsError) => void this.heard.push(`failed ${error.code}`);
}
