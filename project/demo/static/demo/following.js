import { reduce } from "../pushjobs/pushjobs-elements.js";
import { Value } from "./value.js";

/** A subscription that moves from one client to another, and goes on there from its cursor. */
export class Following {
  channel;
  /** Resolves at the end of the job, or by `close`; rejects where the channel cannot be followed. */
  done;
  /** The job, or the jobs of the channel by id. */
  state;
  #options;
  #settle;
  #inner;
  #jobs = new Map();
  #listeners = new Set();

  /** `what` and `options` are as for `subscribe` of a client; `forget` is called when this is over. */
  constructor(client, what, options, forget) {
    this.channel = typeof what === "string" ? what : `job:${what.id}`;
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.done.catch(() => {}).finally(forget);
    this.#options = options;
    this.#join(client, what, options);
    this.state = new Value(this.#view());
  }

  get cursor() {
    return this.#inner.cursor;
  }

  on(type, listener) {
    const heard = (event) => (type === "*" || type === event.type) && listener(event);
    this.#listeners.add(heard);
    return () => void this.#listeners.delete(heard);
  }

  move(client) {
    const left = this.#inner;
    this.#join(client, this.channel, { ...this.#options, cursor: left.cursor });
    left.close();
  }

  close() {
    this.#inner.close();
  }

  #join(client, what, options) {
    const inner = client.subscribe(what, options);
    this.#inner = inner;
    inner.on("*", (event) => inner === this.#inner && this.#hear(event));
    inner.done.then(
      () => inner === this.#inner && this.#settle.resolve(),
      (error) => inner === this.#inner && this.#settle.reject(error),
    );
  }

  #hear(event) {
    this.#jobs = new Map(this.#jobs).set(event.job, reduce(this.#jobs.get(event.job), event));
    this.state.set(this.#view());
    for (const hear of [...this.#listeners]) hear(event);
  }

  #view() {
    if (!this.channel.startsWith("job:")) return this.#jobs;
    return this.#jobs.get(this.channel.slice("job:".length)) ?? this.#inner.state.get();
  }
}
