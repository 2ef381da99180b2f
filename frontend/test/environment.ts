/**
 * A scripted world: an `Environment` whose clock, network and sockets a test drives by hand.
 *
 * Nothing happens by itself. `pass` moves the clock; `request` and `socket` give what the client
 * has asked for next, to be answered by the test; `left` says what has not been put away.
 */

import type { Environment } from "../src/environment.ts";
import { FakeRequest, FakeSocket, settle } from "./network.ts";

export { FakeRequest, FakeSocket, promised, settle } from "./network.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

export class World {
  readonly requests: FakeRequest[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly memory = new Map<string, string>();
  /** Answers each request as it comes, where the test does not want to do so one by one. */
  onRequest: ((request: FakeRequest) => void) | undefined;
  onSocket: ((socket: FakeSocket) => void) | undefined;
  /** What `random` gives. */
  chance = 0.5;
  isOnline = true;
  isVisible = true;
  readonly environment: Environment;
  #now = 1_800_000_000_000;
  #requestsTaken = 0;
  #socketsTaken = 0;
  readonly #timers = new Set<Timer>();
  readonly #listeners = new Set<() => void>();

  constructor(changes: Partial<Environment> = {}) {
    this.environment = {
      fetch: (url, init) => {
        const request = new FakeRequest(url, init);
        this.requests.push(request);
        this.onRequest?.(request);
        return request.response;
      },
      socket: (url) => {
        const socket = new FakeSocket(url);
        this.sockets.push(socket);
        this.onSocket?.(socket);
        return socket;
      },
      now: () => this.#now,
      random: () => this.chance,
      after: (milliseconds, run) => {
        const timer = { at: this.#now + Math.max(0, milliseconds), run };
        this.#timers.add(timer);
        return () => void this.#timers.delete(timer);
      },
      online: () => this.isOnline,
      visible: () => this.isVisible,
      onWake: (run) => {
        const listener = () => run();
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
      recall: (key) => this.memory.get(key) ?? null,
      remember: (key, value) => void this.memory.set(key, value),
      ...changes,
    };
  }

  get now(): number {
    return this.#now;
  }

  /** What is still there: nothing, once all is closed. */
  get left(): { timers: number; listeners: number; requests: number; sockets: number } {
    return {
      timers: this.#timers.size,
      listeners: this.#listeners.size,
      requests: this.requests.filter((request) => !request.done).length,
      sockets: this.sockets.filter((socket) => !socket.closed).length,
    };
  }

  /** Let so many milliseconds pass; timers that become due run in their order. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (;;) {
      const due = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (due === undefined || due.at > end) break;
      this.#now = Math.max(this.#now, due.at);
      this.#timers.delete(due);
      due.run();
      await settle();
    }
    this.#now = end;
  }

  /** The machine sleeps: the clock goes on, but no timer runs until it wakes. */
  async sleep(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    await this.wake();
  }

  /** Tell the client that the network or the page's visibility has changed. */
  async wake(): Promise<void> {
    for (const listener of [...this.#listeners]) listener();
    await settle();
  }

  async goOffline(): Promise<void> {
    this.isOnline = false;
    await this.wake();
  }

  async goOnline(): Promise<void> {
    this.isOnline = true;
    await this.wake();
  }

  /** The next request that the test has not seen yet. */
  async request(): Promise<FakeRequest> {
    return this.#next(this.requests, this.#requestsTaken++, "request");
  }

  /** The next socket that the test has not seen yet. */
  async socket(): Promise<FakeSocket> {
    return this.#next(this.sockets, this.#socketsTaken++, "socket");
  }

  /** How many requests and sockets the test has not seen yet. */
  async unseen(): Promise<{ requests: number; sockets: number }> {
    await settle();
    return {
      requests: this.requests.length - this.#requestsTaken,
      sockets: this.sockets.length - this.#socketsTaken,
    };
  }

  async #next<T>(all: readonly T[], place: number, what: string): Promise<T> {
    for (let turn = 0; turn < 10; turn++) {
      const next = all[place];
      if (next !== undefined) return next;
      await settle();
    }
    throw new Error(`the client has made no ${what} number ${place + 1}`);
  }
}
