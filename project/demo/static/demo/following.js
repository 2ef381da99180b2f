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
  #replay;
  #settle;
  #inner;
  #jobs = new Map();
  #replayed = new Map();
  #listeners = new Set();

  /**
   * `what` and `options` are as for `subscribe` of a client. `replay(id)` follows a job from its first
   * event on, `forget` is called when this is over.
   */
  constructor(client, what, options, { replay, forget }) {
    this.channel = typeof what === "string" ? what : `job:${what.id}`;
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.done.catch(() => {}).finally(forget);
    this.#options = options;
    this.#replay = replay;
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
    for (const following of this.#replayed.values()) following.close();
    this.#inner.close();
  }

  get #ofOneJob() {
    return this.channel.startsWith("job:");
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
    const { job, type, data } = event;
    const runs = type === "job.snapshot" && data.status === "running";
    if (runs && !this.#ofOneJob && !this.#replayed.has(job)) this.#fillIn(job);
    const told = this.#replayed.get(job)?.state.get();
    this.#tell(event, told?.status ? told : reduce(this.#jobs.get(job), event));
  }

  /** A job that runs already has said what its snapshot does not have: its own channel tells it. */
  #fillIn(job) {
    const following = this.#replay(job);
    this.#replayed.set(job, following);
    following.on("*", (event) => this.#tell(event, following.state.get()));
  }

  #tell(event, state) {
    this.#jobs = new Map(this.#jobs).set(event.job, state);
    this.state.set(this.#view());
    for (const hear of [...this.#listeners]) hear(event);
  }

  #view() {
    if (!this.#ofOneJob) return this.#jobs;
    return this.#jobs.get(this.channel.slice("job:".length)) ?? this.#inner.state.get();
  }
}
