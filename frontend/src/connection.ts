import { Attempt, type Owner } from "./attempt.ts";
import { backoff } from "./backoff.ts";
import { Keyring } from "./credentials.ts";
import type { Environment } from "./environment.ts";
import type { PushjobsError } from "./errors.ts";
import { Ladder, TRANSPORTS } from "./ladder.ts";
import { problem } from "./problems.ts";
import {
  type ConnectionState,
  IDLE,
  type Sink,
  type Source,
  type Start,
  type TokenSource,
  type Transport,
} from "./source.ts";
import { type Store, Value } from "./store.ts";
import { Timers } from "./timers.ts";
import type { Failure } from "./transports/failure.ts";
import { Follow } from "./transports/follow.ts";
import type { Channel } from "./wire.ts";

/** Channels that one connection carries: as many as a socket may (`MAX_CHANNELS`). */
const MAX_CHANNELS = 100;
/** Milliseconds that it stays open when nothing is followed any more: something may be soon. */
const GRACE = 5_000;
/** Milliseconds of service that make up for the failures before. */
const STEADY = 10_000;
/** Milliseconds that a better transport has to show that it works. */
const TRIAL = 45_000;

/** What makes a `Connection`. */
export interface ConnectionOptions {
  /** The base of the API, such as `/jobs`. */
  readonly url: string;
  readonly environment: Environment;
  /** Those that may be used; all of them by default. Their order is the ladder's own. */
  readonly transports?: readonly Transport[] | undefined;
  /** Opens the channels that come without a token of their own. */
  readonly token?: TokenSource | undefined;
  /** Whether requests to another origin carry cookies. */
  readonly credentials?: RequestCredentials | undefined;
}

/**
 * One connection to the server for all channels, by the best transport that works.
 *
 * It reconnects, goes down the ladder and up again, and takes the cursor of each channel along: an
 * event is told once. A channel more than the hundred that it carries fails with `limit-exceeded`.
 */
export class Connection implements Source {
  readonly #token: TokenSource | undefined;
  readonly #environment: Environment;
  readonly #ladder: Ladder;
  readonly #memory: string;
  readonly #state = new Value<ConnectionState>(IDLE);
  readonly #follows = new Map<Channel, Follow>();
  readonly #keys: Keyring;
  readonly #owner: Owner;
  #attempt: Attempt | undefined;
  #trial: Attempt | undefined;
  readonly #timers: Timers<"retry" | "grace" | "climb" | "trial">;
  #stopListening: (() => void) | undefined;
  #failures = 0;
  /** The server does not want to be asked before. */
  #notBefore = 0;

  constructor(options: ConnectionOptions) {
    const { environment, url, transports = TRANSPORTS } = options;
    this.#token = options.token;
    this.#environment = environment;
    this.#timers = new Timers(environment);
    this.#keys = new Keyring(environment, () => this.#changed());
    this.#owner = {
      ...options,
      heard: (attempt) => this.#heard(attempt),
      latency: (latency) => this.#set({ latency }),
      down: (attempt, failure) => this.#down(attempt, failure),
    };
    this.#memory = `pushjobs:transport:${url}`;
    const rungs = TRANSPORTS.filter(
      (rung) => transports.includes(rung) && (rung !== "websocket" || environment.socket),
    );
    this.#ladder = new Ladder(rungs, environment.recall(this.#memory));
  }

  get state(): Store<ConnectionState> {
    return this.#state;
  }

  /** @throws Error where it is closed, or the channel is followed already. */
  follow(channel: Channel, { token, cursor }: Start, sink: Sink): () => void {
    if (this.#state.get().status === "closed") throw new Error("the connection is closed");
    if (this.#follows.has(channel)) throw new Error(`${channel} is followed already`);
    const full = this.#follows.size >= MAX_CHANNELS;
    const credential = full ? undefined : this.#keys.of(token ?? this.#token);
    const follow = new Follow(channel, credential, cursor ?? null, sink, () => full || this.#letGo(follow));
    if (full) {
      const title = `A connection carries at most ${MAX_CHANNELS} channels`;
      queueMicrotask(() => follow.fail(problem("limit-exceeded", title, 429)));
    } else {
      this.#follows.set(channel, follow);
      if (this.#attempt) this.#changed();
      else if (!this.#timers.has("retry")) this.#connect();
    }
    return () => follow.close();
  }

  close(): void {
    for (const follow of this.#follows.values()) follow.close();
    this.#rest({ status: "closed" });
  }

  #letGo({ channel, credential }: Follow): void {
    this.#follows.delete(channel);
    if (![...this.#follows.values()].some((other) => other.credential === credential)) {
      this.#keys.drop(credential);
    }
    if (this.#attempt) this.#changed();
    else if (this.#follows.size === 0 && this.#timers.has("retry")) this.#rest({});
  }

  /** The channels, or their tokens, are others. */
  #changed(): void {
    this.#attempt?.changed();
    if (this.#follows.size > 0) this.#timers.cancel("grace");
    else this.#timers.set("grace", GRACE, () => this.#rest({}));
  }

  #connect(): void {
    this.#timers.cancel("retry");
    this.#stopListening ??= this.#environment.onWake(() => this.#wake());
    const { transport } = this.#ladder;
    if (transport === undefined) {
      const error = problem("no-transport", "None of the transports works here");
      queueMicrotask(() => this.#follows.size && this.#refuse(error));
      return;
    }
    this.#set({ status: this.#environment.online() ? "connecting" : "offline", transport, retryAt: null });
    this.#attempt = new Attempt(transport, this.#follows, this.#owner);
  }

  #heard(attempt: Attempt): void {
    if (attempt === this.#trial) {
      this.#climb(attempt);
      return;
    }
    const now = this.#environment.now();
    if (attempt.heardAt === undefined) {
      attempt.heardAt = now;
      this.#ladder.heard();
      this.#environment.remember(this.#memory, attempt.transport);
      this.#tryLater();
    } else if (now - attempt.heardAt >= STEADY) {
      this.#failures = 0;
      this.#ladder.steady();
    }
    if (this.#state.get().status !== "open") this.#set({ status: "open", error: null });
  }

  #down(attempt: Attempt, { error, after, silent, unfit, blameless, refused }: Failure): void {
    attempt.end();
    if (attempt === this.#trial) {
      this.#endTrial();
      this.#tryLater();
      return;
    }
    this.#endTrial();
    this.#attempt = undefined;
    if (this.#follows.size === 0) {
      this.#rest({});
    } else if (refused && error) {
      this.#refuse(error);
    } else {
      const { now, online, random } = this.#environment;
      // Where the network is gone, or a token, no transport is to blame.
      const blamed = online() && !blameless;
      const onwards = blamed && this.#ladder.failed(silent, unfit);
      const wait = Math.max(after ?? 0, onwards ? 0 : backoff(++this.#failures, random));
      this.#notBefore = now() + (after ?? 0);
      this.#set({
        status: !online() ? "offline" : wait ? "waiting" : "connecting",
        transport: this.#ladder.transport ?? null,
        retryAt: wait ? now() + wait : null,
        latency: null,
        error: error ?? null,
      });
      this.#timers.set("retry", wait, () => this.#connect());
    }
  }

  /** Try a better transport, after a while. */
  #tryLater(): void {
    if (!this.#ladder.isTop) this.#timers.set("climb", this.#ladder.pause, () => this.#try());
  }

  /** See whether a better transport works, while the one in use goes on. */
  #try(): void {
    if (this.#follows.size === 0) {
      this.#tryLater();
      return;
    }
    const transport = this.#ladder.better();
    if (transport === undefined) return;
    // A socket shows it by its welcome alone; the others have to ask for something, and tell no one.
    const muted =
      transport === "websocket" ? [] : [...this.#follows.values()].map((follow) => follow.muted());
    this.#timers.set("trial", TRIAL, () => this.#trial && this.#down(this.#trial, {}));
    const follows = new Map(muted.map((follow) => [follow.channel, follow]));
    this.#trial = new Attempt(transport, follows, this.#owner);
  }

  /** The better transport works: take the channels there, from where they are. */
  #climb(trial: Attempt): void {
    const { transport } = trial;
    this.#attempt?.end();
    this.#ladder.climb();
    if (transport === "websocket") {
      this.#trial = undefined;
      this.#timers.cancel("trial");
      this.#attempt = trial;
      trial.follows = this.#follows;
      trial.changed();
    } else {
      this.#endTrial();
      this.#attempt = new Attempt(transport, this.#follows, this.#owner);
    }
    this.#set({ transport, latency: null });
    if (this.#attempt === trial) this.#heard(trial);
  }

  #endTrial(): void {
    this.#trial?.end();
    this.#trial = undefined;
    this.#timers.cancel("trial");
    this.#timers.cancel("climb");
  }

  /** The network or the page's visibility has changed. */
  #wake(): void {
    const { now, online, visible } = this.#environment;
    const { status } = this.#state.get();
    if (!online()) {
      // It may be wrong: whoever is heard is there.
      if (this.#attempt) this.#set({ status: "offline" });
    } else if (status === "offline" || (status === "waiting" && visible())) {
      if (now() < this.#notBefore) return;
      this.#failures = 0;
      this.#endTrial();
      this.#attempt?.end();
      this.#connect();
      return;
    }
    this.#attempt?.check();
    this.#trial?.check();
  }

  /** The server does not want us: no channel can be followed. */
  #refuse(error: PushjobsError): void {
    this.#rest({ status: "refused", error });
    for (const follow of [...this.#follows.values()]) follow.fail(error);
  }

  /** Leave nothing behind. */
  #rest(state: Partial<ConnectionState>): void {
    this.#endTrial();
    this.#attempt?.end();
    this.#attempt = undefined;
    this.#timers.clear();
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#set({ ...IDLE, ...state });
  }

  #set(changes: Partial<ConnectionState>): void {
    this.#state.set({ ...this.#state.get(), ...changes });
  }
}
