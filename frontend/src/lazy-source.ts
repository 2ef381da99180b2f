/** A source whose code is loaded when a channel is followed for the first time. */

import { backoff } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import { noAnswer } from "./problems.ts";
import { type ConnectionState, IDLE, type Sink, type Source, type Start } from "./source.ts";
import { type Store, Value } from "./store.ts";
import type { Channel } from "./wire.ts";

/** Stands for a source that `load` brings: again and again where the network does not let it. */
export class LazySource implements Source {
  readonly #state = new Value<ConnectionState>(IDLE);
  readonly state: Store<ConnectionState> = this.#state;
  readonly #load: () => Promise<Source>;
  readonly #environment: Environment;
  #source: Source | undefined;
  #loading = false;
  #closed = false;
  #wake = () => {};
  /** What is to be followed once the source is there. */
  readonly #follows = new Set<(source: Source) => void>();

  constructor(load: () => Promise<Source>, environment: Environment) {
    this.#load = load;
    this.#environment = environment;
  }

  /** @throws Error where it is closed. */
  follow(channel: Channel, start: Start, sink: Sink): () => void {
    if (this.#source) return this.#source.follow(channel, start, sink);
    if (this.#closed) throw new Error("the connection is closed");
    let stop: (() => void) | undefined;
    const follow = (source: Source) => {
      stop = source.follow(channel, start, sink);
    };
    this.#follows.add(follow);
    if (!this.#loading) void this.#open();
    return () => {
      this.#follows.delete(follow);
      stop?.();
    };
  }

  close(): void {
    this.#closed = true;
    this.#follows.clear();
    this.#wake();
    if (this.#source) this.#source.close();
    else this.#state.set({ ...IDLE, status: "closed" });
  }

  async #open(): Promise<void> {
    const { now, random } = this.#environment;
    this.#loading = true;
    for (let failures = 1; this.#follows.size > 0; failures++) {
      this.#state.set({ ...IDLE, status: "connecting" });
      try {
        const source = await this.#load();
        if (!this.#closed) this.#opened(source);
        break;
      } catch (cause) {
        if (this.#closed) break;
        const wait = backoff(failures, random);
        this.#state.set({ ...IDLE, status: "waiting", retryAt: now() + wait, error: noAnswer(cause) });
        await this.#rest(wait);
      }
    }
    this.#loading = false;
    if (!this.#source && !this.#closed) this.#state.set(IDLE);
  }

  /** Wait so many milliseconds, or until the network has changed. */
  async #rest(wait: number): Promise<void> {
    const { after, onWake } = this.#environment;
    let stops: (() => void)[] = [];
    await new Promise<void>((done) => {
      this.#wake = done;
      stops = [after(wait, done), onWake(done)];
    });
    for (const stop of stops) stop();
  }

  #opened(source: Source): void {
    this.#source = source;
    source.state.subscribe((state) => this.#state.set(state));
    for (const follow of this.#follows) follow(source);
    this.#follows.clear();
  }
}
