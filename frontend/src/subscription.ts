/// <reference lib="esnext.disposable" preserve="true" />
/** What a program holds of a channel that it follows. */

import { type Api, json } from "./api.ts";
import { Backlog } from "./backlog.ts";
import { JobCancelled, JobFailed } from "./errors.ts";
import { JobBoard, type JobState, type JobStates, retold, snapshotOf, unknownJob } from "./job.ts";
import { Listeners } from "./listeners.ts";
import type { Source, Start } from "./source.ts";
import { type Store, Value } from "./store.ts";
import { type Channel, type EventType, isOver, type JobDocument, type JobEvent, type Json } from "./wire.ts";

/**
 * A channel's events and the state that they add up to. To iterate over it is to read the events as
 * they come, from a snapshot on where some have come already. A connection that breaks is no end.
 */
export class Subscription<State> implements AsyncIterable<JobEvent> {
  readonly channel: Channel;
  /** What is known; updated by each event, before listeners and iterators have it. */
  readonly state: Store<State>;
  /**
   * Resolves when nothing more comes: the job is over, or this was closed. Rejects where the channel
   * cannot be followed: with a `PushjobsError`, or as the token's source did. It need not be handled.
   */
  readonly done: Promise<void>;
  readonly #state: Value<State>;
  readonly #view: (jobs: JobStates) => State;
  readonly #read: (() => Promise<JobDocument>) | undefined;
  readonly #listeners = new Listeners<JobEvent>();
  readonly #backlogs = new Set<Backlog>();
  readonly #board: JobBoard;
  #cursor: string | null;
  /** Whether an event has come: who iterates from now on has missed it. */
  #heard = false;
  #open = true;
  #settle: (error?: unknown) => void = () => {};
  #stop = () => {};

  /** @internal `read` gets the document of the job, if the channel is a job's. */
  constructor(
    source: Source,
    channel: Channel,
    start: Start,
    view: (jobs: JobStates) => State,
    read?: () => Promise<JobDocument>,
  ) {
    this.channel = channel;
    this.#view = view;
    this.#read = read;
    this.#cursor = start.cursor ?? null;
    const { document } = start;
    this.#board = new JobBoard(document && [snapshotOf(document)]);
    this.#state = new Value(view(this.#board.jobs));
    this.state = this.#state;
    this.done = new Promise((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
    });
    this.done.catch(() => {});
    if (document && isOver(document.status)) {
      queueMicrotask(() => this.#event(snapshotOf(document), this.#cursor));
      return;
    }
    this.#stop = source.follow(channel, start, {
      event: (event, cursor) => this.#event(event, cursor),
      moved: (cursor) => {
        this.#cursor = cursor;
      },
      ended: () => void this.#ended(),
      failed: (error) => this.#finish(error),
    });
  }

  /** After which position to go on, should another subscription take over. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** Call `listener` at each event of a type, or of any (`*`); returns how to stop. */
  on<T extends EventType>(type: T | "*", listener: (event: JobEvent<T>) => void): () => void {
    return this.#listeners.add((event) => {
      if (isOf(event, type)) listener(event);
    });
  }

  /** Each iterator reads all events, at its own pace. To leave it ends only itself. */
  [Symbol.asyncIterator](): AsyncIterator<JobEvent, undefined> {
    const backlog = new Backlog(this.done, () => this.#backlogs.delete(backlog));
    if (this.#heard) {
      for (const job of this.#board.jobs.values()) {
        const event = retold(job, this.channel);
        if (event) backlog.put(event);
      }
    }
    if (this.#open) this.#backlogs.add(backlog);
    else backlog.end();
    return backlog;
  }

  /** Follow it no more. What iterators have not read yet, they still read. */
  close(): void {
    this.#finish();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #event(event: JobEvent, cursor: string | null): void {
    if (!this.#open) return;
    this.#heard = true;
    this.#cursor = cursor ?? this.#cursor;
    this.#board.take(event, cursor);
    this.#state.set(this.#view(this.#board.jobs));
    this.#listeners.tell(event);
    for (const backlog of this.#backlogs) backlog.put(event);
    if (this.#isOver()) this.#finish();
  }

  /** All was told, if not to us: who has its cursor from before may not know how the job ended. */
  async #ended(): Promise<void> {
    try {
      const document = this.#isOver() ? null : await this.#read?.();
      if (document) this.#event(snapshotOf(document), null);
      this.#finish();
    } catch (error) {
      this.#finish(error);
    }
  }

  #isOver(): boolean {
    return this.channel.startsWith("job:") && this.#board.jobs.get(this.channel.slice(4))?.over === true;
  }

  #finish(error?: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stop();
    this.#settle(error);
    for (const backlog of this.#backlogs) backlog.end();
  }
}

/** What a job has made: JSON, text, or anything else as it is. */
export type Result = Json | Blob;

/** One job, followed to its end. */
export class JobSubscription extends Subscription<JobState> {
  readonly id: string;
  readonly #result: () => Promise<Response>;

  /** @internal */
  constructor(source: Source, api: Api, id: string, start: Start) {
    const nothing = unknownJob(id);
    const { token } = start;
    super(
      source,
      `job:${id}`,
      start,
      (jobs) => jobs.get(id) ?? nothing,
      () => json(api.call(`/${id}`, { token })),
    );
    this.id = id;
    this.#result = () => api.response(id, { token });
  }

  /**
   * What the job has made, once it is over. Rejects with `JobFailed` or `JobCancelled`, with another
   * `PushjobsError` where it cannot be followed, and with an `AbortError` where this was closed.
   */
  async result(): Promise<Result> {
    await this.done;
    const { status, result, error } = this.state.get();
    if (status === "succeeded") return result ?? content(await this.#result());
    if (status === "failed") throw new JobFailed(error ?? { ...WITHOUT_ERROR, title: "The job failed" });
    if (status === "cancelled") throw new JobCancelled({ ...WITHOUT_ERROR, title: "The job was cancelled" });
    throw new DOMException(`job ${this.id} is no longer followed`, "AbortError");
  }
}

const WITHOUT_ERROR = { type: "about:blank", status: 0 };

async function content(response: Response): Promise<Result> {
  const type = response.headers.get("Content-Type") ?? "";
  if (/^application\/(.*\+)?json\b/.test(type)) return json(Promise.resolve(response));
  return type.startsWith("text/") ? response.text() : response.blob();
}

function isOf<T extends EventType>(event: JobEvent, type: T | "*"): event is JobEvent & JobEvent<T> {
  return type === "*" || event.type === type;
}
