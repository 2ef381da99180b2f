/** A browser of the tests' own: its tabs have locks and posts as real ones do, and one clock. */

import { Channels } from "../src/channels.ts";
import type { PushjobsError } from "../src/errors.ts";
import { Sharing } from "../src/sharing.ts";
import type { ConnectionState, Sink, Source, Start } from "../src/source.ts";
import { Value } from "../src/store.ts";
import type { Locks } from "../src/tabs/locks.ts";
import type { Message, Post } from "../src/tabs/messages.ts";
import type { Channel, EventPage } from "../src/wire.ts";
import { Diary, output } from "./diary.ts";

interface Asked {
  readonly tab: Tab;
  readonly run: () => Promise<void>;
  readonly done: (reason?: unknown) => void;
}

export const JOB = "job:1";

/** A tab that follows the job. */
export interface Open {
  readonly tab: Tab;
  readonly source: Source;
  readonly diary: Diary;
  readonly stop: () => void;
}

/** Pages of two events, of a log that has the job's outputs up to this number; of 0, it has none. */
export function pagesOf(newest: number) {
  return (_: Channel, cursor: string): EventPage => {
    const numbers = Array.from({ length: newest }, (_, place) => place + 1);
    const left = numbers.filter((number) => number > Number(cursor.slice(1)));
    const events = left.slice(0, 2).map((number) => ({ event: output(number), cursor: `c${number}` }));
    const last = events.at(-1)?.cursor ?? cursor;
    return { events, cursor: last, recovered: newest > 0, ended: false, more: left.length > 2 };
  };
}

/** The microtasks and messages that are under way, and those that they bring about. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export class Browser {
  readonly #holders = new Map<string, Asked>();
  readonly #queues = new Map<string, Asked[]>();
  readonly #posts = new Set<{ name: string; tab: Tab; post: Post }>();
  #now = 0;
  readonly #timers = new Set<{ at: number; tab: Tab; run: () => void }>();
  /** Connections that were opened and not closed, the first first. */
  readonly connections: Connection[] = [];
  /** What the server says to a tab that asks for what another tab's connection brings. */
  prove: (tab: Tab, channel: Channel, cursor: string) => Promise<boolean> = async () => true;
  /** What the server's log has after a cursor. */
  page: (channel: Channel, cursor: string) => EventPage = pagesOf(0);
  /** Where the browser grants no locks. */
  forbidden = false;

  tab(): Tab {
    return new Tab(this);
  }

  async open(start: Start = {}, name?: string): Promise<Open> {
    const tab = this.tab();
    const source = tab.share(name);
    const diary = new Diary();
    const stop = source.follow(JOB, start, diary);
    await settle();
    return { tab, source, diary, stop };
  }

  /** The one connection that there is. */
  get only(): Connection {
    const [connection, ...others] = this.connections;
    if (!connection || others.length > 0) throw new Error(`there are ${this.connections.length}`);
    return connection;
  }

  /** Let time pass, timers run, and all that follows from them happen. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    for (;;) {
      const [next] = [...this.#timers]
        .filter(({ at, tab }) => at <= until && !tab.frozen)
        .sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = until;
  }

  after(tab: Tab, milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#now + milliseconds, tab, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  post(tab: Tab, name: string): Post {
    const post: Post = {
      onmessage: null,
      postMessage: (message) => {
        const others = [...this.#posts].filter((other) => other.name === name && other.post !== post);
        for (const other of others) {
          const data: Message = structuredClone(message);
          other.tab.task(() => {
            if (this.#posts.has(other)) other.post.onmessage?.(new MessageEvent("message", { data }));
          });
        }
      },
      close: () => void this.#posts.delete(opened),
    };
    const opened = { name, tab, post };
    this.#posts.add(opened);
    return post;
  }

  request(tab: Tab, name: string, options: Parameters<Locks["request"]>[1], run: () => Promise<void>) {
    return new Promise<void>((resolve, reject) => {
      if (this.forbidden) return reject(new DOMException("no locks here", "SecurityError"));
      const done = (reason?: unknown) => (reason === undefined ? resolve() : reject(reason));
      const asked: Asked = { tab, run, done };
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      if ("steal" in options) {
        const holder = this.#holders.get(name);
        this.#holders.delete(name);
        holder?.tab.task(() => holder.done(new DOMException("stolen", "AbortError")));
        queue.unshift(asked);
      } else {
        options.signal.addEventListener("abort", () => {
          const place = queue.indexOf(asked);
          if (place < 0) return;
          queue.splice(place, 1);
          done(new DOMException("aborted", "AbortError"));
        });
        queue.push(asked);
      }
      this.#grant(name);
    });
  }

  /** What a browser does for a tab that is no more. */
  bury(tab: Tab): void {
    for (const opened of this.#posts) if (opened.tab === tab) this.#posts.delete(opened);
    for (const timer of this.#timers) if (timer.tab === tab) this.#timers.delete(timer);
    for (const connection of [...this.connections]) if (connection.tab === tab) connection.close();
    for (const [name, queue] of this.#queues) {
      this.#queues.set(
        name,
        queue.filter((asked) => asked.tab !== tab),
      );
      if (this.#holders.get(name)?.tab === tab) this.#holders.delete(name);
      this.#grant(name);
    }
  }

  #grant(name: string): void {
    const [next] = this.#queues.get(name) ?? [];
    if (this.#holders.has(name) || !next) return;
    this.#queues.get(name)?.shift();
    this.#holders.set(name, next);
    next.tab.task(() => {
      next.run().then(() => {
        if (this.#holders.get(name) !== next) return;
        this.#holders.delete(name);
        next.done();
        this.#grant(name);
      });
    });
  }
}

/** A page that is open. */
export class Tab {
  readonly browser: Browser;
  readonly page = new EventTarget();
  visible = true;
  frozen = false;
  #dead = false;
  #tasks: (() => void)[] = [];
  readonly #wakes = new Set<() => void>();

  constructor(browser: Browser) {
    this.browser = browser;
  }

  /** The source of the page's events. */
  share(name = "ada"): Source {
    const { browser } = this;
    const sharing = new Sharing({
      name,
      locks: { request: (lock, options, run) => browser.request(this, lock, options, run) },
      post: (post) => browser.post(this, post),
      open: () => new Connection(this),
      read: async (channel, _, cursor) => {
        if (!(await browser.prove(this, channel, cursor))) throw new Error("it is refused");
        return browser.page(channel, cursor);
      },
      page: this.page,
      environment: {
        after: (milliseconds, run) => browser.after(this, milliseconds, run),
        visible: () => this.visible,
        onWake: (run) => {
          this.#wakes.add(run);
          return () => void this.#wakes.delete(run);
        },
      },
    });
    return new Channels(sharing);
  }

  show(visible: boolean): void {
    this.visible = visible;
    for (const run of [...this.#wakes]) run();
  }

  /** Without a word, as in a crash. */
  die(): void {
    this.#dead = true;
    this.browser.bury(this);
  }

  thaw(): void {
    this.frozen = false;
    for (const run of this.#tasks.splice(0)) this.task(run);
  }

  /** Run this, if the tab still can. */
  task(run: () => void): void {
    setImmediate(() => {
      if (this.frozen) this.#tasks.push(run);
      else if (!this.#dead) run();
    });
  }
}

/** What a tab has opened to a server that does as the test says. */
export class Connection implements Source {
  readonly tab: Tab;
  readonly state = new Value<ConnectionState>({
    ...{ status: "open", transport: "websocket", retryAt: null, latency: null, error: null, shared: false },
  });
  readonly follows = new Map<Channel, { start: Start; sink: Sink }>();

  constructor(tab: Tab) {
    this.tab = tab;
    tab.browser.connections.push(this);
  }

  follow(channel: Channel, start: Start, sink: Sink): () => void {
    if (this.follows.has(channel)) throw new Error(`${channel} is followed twice`);
    this.follows.set(channel, { start, sink });
    return () => void this.follows.delete(channel);
  }

  close(): void {
    const { connections } = this.tab.browser;
    const place = connections.indexOf(this);
    if (place >= 0) connections.splice(place, 1);
    this.follows.clear();
  }

  /** The server sends the channel's event of this number. */
  send(channel: Channel, ...numbers: number[]): void {
    for (const number of numbers) this.follows.get(channel)?.sink.event(output(number), `c${number}`);
  }

  end(channel: Channel): void {
    const followed = this.follows.get(channel);
    this.follows.delete(channel);
    followed?.sink.ended();
  }

  fail(channel: Channel, error: PushjobsError): void {
    const followed = this.follows.get(channel);
    this.follows.delete(channel);
    followed?.sink.failed(error);
  }
}
