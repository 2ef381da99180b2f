/**
 * One connection for all tabs of a browser. The tab that holds a lock leads: it has the connection,
 * and tells the others over `BroadcastChannel` what they follow. When it goes the lock passes on,
 * and each tab goes on from its cursors.
 */

import { Channels } from "./channels.ts";
import { isPlace } from "./cursors.ts";
import { PushjobsError } from "./errors.ts";
import {
  type ConnectionState,
  IDLE,
  type Sink,
  type Source,
  type Start,
  type TokenSource,
} from "./source.ts";
import { type Store, Value } from "./store.ts";
import { Election, type Electorate } from "./tabs/election.ts";
import { type Leader, lead } from "./tabs/leader.ts";
import type { Answer, Item, Post } from "./tabs/messages.ts";
import type { ReadPage } from "./tabs/proof.ts";
import { withhold } from "./tabs/withholding.ts";
import type { Channel } from "./wire.ts";

export interface SharingOptions extends Electorate {
  /** Opens a connection of this tab's own. */
  readonly open: () => Source;
  readonly read: ReadPage;
  /** Tells `pagehide` and `pageshow`. */
  readonly page: EventTarget;
}

interface Follow {
  readonly channel: Channel;
  readonly start: Start;
  readonly sink: Sink;
  cursor: string | null | undefined;
  /** That of the present way to the events; what comes by an earlier one is not heard. */
  key: number;
  /** Takes what comes by that way. */
  hear: (item: Item) => void;
  /** By a connection of this tab's own. */
  alone: boolean;
  stop: () => void;
}

const nothing = () => {};

/** A tab's share in the one connection. It takes each channel once. */
export class Sharing implements Source {
  readonly #options: SharingOptions;
  readonly #election: Election;
  readonly #state = new Value<ConnectionState>(IDLE);
  readonly state: Store<ConnectionState> = this.#state;
  readonly #follows = new Set<Follow>();
  readonly #closed = new AbortController();
  #keys = 0;
  /** With what this tab leads. */
  #leading: { source: Source; leader: Leader } | null = null;
  /** Who leads this tab. */
  #led: { id: string; inbox: Post } | null = null;
  /** For what may not come by another's connection. */
  #own: Source | null = null;
  #forbidden = false;
  #unwatch = nothing;

  constructor(options: SharingOptions) {
    this.#options = options;
    const { page, post, environment, locks, name } = options;
    this.#election = new Election(options, {
      elected: (id, all) => {
        this.#unled();
        const source = new Channels(options.open());
        const { visible } = environment;
        this.#leading = { source, leader: lead({ id, name, source, locks, post, all, visible }) };
        this.#watch(source);
        this.#placeAll();
      },
      led: ({ from, state: { problem, ...state } }) => {
        if (from !== this.#led?.id) {
          this.#unled();
          this.#led = { id: from, inbox: post(`${name}:${from}`) };
          this.#placeAll();
        }
        const error = problem && new PushjobsError(problem);
        if (!this.#own) this.#state.set({ ...state, error, shared: true });
      },
      unled: () => this.#unled(),
      forbidden: () => {
        this.#forbidden = true;
        this.#placeAll();
      },
      hear: (message) => {
        if (message.type !== "tell" && message.type !== "ask") this.#leading?.leader.hear(message);
        else if (message.from === this.#led?.id) this.#answered(message);
      },
    });
    const { signal } = this.#closed;
    // A browser does not keep a page to come back to that has a lock or a connection.
    page.addEventListener("pagehide", () => this.#leave(), { signal });
    page.addEventListener("pageshow", () => this.#follows.size > 0 && this.#election.join(), { signal });
  }

  /** @throws Error where it is closed. */
  follow(channel: Channel, start: Start, sink: Sink): () => void {
    if (this.#closed.signal.aborted) throw new Error("the connection is closed");
    const { cursor } = start;
    const follow: Follow = {
      ...{ channel, start, sink, cursor, key: 0, alone: false },
      ...{ hear: nothing, stop: nothing },
    };
    this.#follows.add(follow);
    this.#election.join();
    this.#place(follow);
    return () => this.#drop(follow);
  }

  close(): void {
    this.#closed.abort();
    for (const follow of this.#follows) this.#drop(follow);
    this.#leave();
    this.#state.set({ ...IDLE, status: "closed" });
  }

  #leave(): void {
    this.#unled();
    this.#election.leave();
  }

  /** Neither leading nor led: whatever was followed waits for who leads next. */
  #unled(): void {
    for (const follow of this.#follows) this.#forget(follow);
    this.#unwatch();
    this.#leading?.leader.end();
    this.#leading?.source.close();
    this.#led?.inbox.close();
    this.#own?.close();
    this.#leading = this.#led = this.#own = null;
  }

  #watch({ state }: Source): void {
    this.#unwatch();
    this.#unwatch = state.subscribe((now) => this.#state.set(now));
  }

  #placeAll(): void {
    for (const follow of this.#follows) this.#place(follow);
  }

  /** Take back what was done to get the channel's events. */
  #forget(follow: Follow): void {
    follow.stop();
    follow.stop = follow.hear = nothing;
    follow.key = ++this.#keys;
    follow.alone = false;
  }

  #drop(follow: Follow): void {
    this.#follows.delete(follow);
    this.#forget(follow);
    if (!this.#own || [...this.#follows].some(({ alone }) => alone)) return;
    this.#own.close();
    this.#own = null;
    if (this.#leading) this.#watch(this.#leading.source);
    else this.#election.ask(); // The answer says how the connection is.
  }

  /** Get the channel's events in the way that is open to this tab now. */
  #place(follow: Follow, alone = this.#forbidden): void {
    this.#forget(follow);
    const { channel, cursor, start, key, sink } = follow;
    const { open, read } = this.#options;
    follow.alone = alone;
    if (alone && !this.#own) {
      this.#own = open();
      this.#watch(this.#own);
    }

    const isCurrent = () => follow.key === key;
    const deliver = ({ event, cursor, end }: Item) => {
      if (!isCurrent()) return;
      follow.cursor = cursor ?? follow.cursor;
      if (event) return sink.event(event, cursor ?? null);
      if (cursor) return sink.moved(cursor);
      this.#drop(follow);
      if (end) sink.ended();
    };
    const refuse = () => {
      if (isCurrent()) this.#place(follow, true);
    };
    const restart = () => {
      if (!isCurrent()) return;
      follow.cursor = null;
      this.#place(follow);
    };
    const withheld = withhold({
      ...{ cursor, deliver, refuse, restart },
      read: async (shown) => {
        if (!isCurrent()) throw new Error("it is followed in another way, or no more");
        return read(channel, start.token, shown);
      },
    });

    const source = alone ? this.#own : this.#leading?.source;
    if (source) {
      // Another tab may have opened the channel, by a right that this one does not have.
      const shared = !alone && this.#leading?.leader.serves(channel);
      const hear = shared ? withheld : deliver;
      const stop = source.follow(
        channel,
        { token: start.token, cursor, known: start.known, catchesUp: shared && isPlace(cursor) },
        {
          event: (event, cursor) => hear({ event, cursor }),
          moved: (cursor) => hear({ cursor }),
          ended: () => hear({ end: "ended" }),
          failed: (error) => {
            if (shared) return refuse();
            if (!isCurrent()) return;
            this.#drop(follow);
            sink.failed(error);
          },
        },
      );
      if (isCurrent()) follow.stop = stop;
      else stop();
    } else if (this.#led) {
      const { inbox } = this.#led;
      const from = this.#election.id ?? "";
      const token = typeof start.token === "function" ? true : start.token;
      const known = cursor ? start.known?.() : undefined;
      inbox.postMessage({ type: "follow", from, key, channel, cursor, token, known });
      follow.hear = withheld;
      follow.stop = () => inbox.postMessage({ type: "unfollow", from, key });
    }
  }

  /** The tab that leads has sent this. */
  async #answered(message: Answer): Promise<void> {
    const find = (sought: number) => [...this.#follows].find(({ key }) => key === sought);
    if (message.type === "tell") {
      for (const [key, item] of message.items) find(key)?.hear(item);
      return;
    }
    const { key } = message;
    const token = await tokenOf(find(key)?.start.token);
    const from = this.#election.id ?? "";
    this.#led?.inbox.postMessage({ type: "token", from, key, token });
  }
}

/** Undefined where there is none to be had. */
async function tokenOf(source: TokenSource | undefined): Promise<string | undefined> {
  try {
    return await (typeof source === "function" ? source() : source);
  } catch {
    return undefined;
  }
}
