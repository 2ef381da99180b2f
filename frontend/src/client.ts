/** The client: submit jobs, follow them, read, list, cancel and retry them. */

import { Api, type Call, json } from "./api.ts";
import { browserEnvironment, type Environment } from "./environment.ts";
import type { JobStates } from "./job.ts";
import { LazySource } from "./lazy-source.ts";
import type { ConnectionState, Source, TokenSource } from "./source.ts";
import type { Store } from "./store.ts";
import { type Args, type SubmitOptions, submission } from "./submission.ts";
import { JobSubscription, Subscription } from "./subscription.ts";
import type { Channel, JobDocument, Status } from "./wire.ts";

export interface ConnectOptions {
  /** Where the API is: `/jobs` (default), or at another origin `https://api.example.org/jobs`. */
  readonly url?: string | undefined;
  /** Opens what has no token of its own; without it the session's cookie counts. */
  readonly token?: TokenSource | undefined;
  /** The ways to the server, the best first; "polling" is long-polling too. All, by default. */
  readonly transports?: readonly ("websocket" | "sse" | "polling")[] | undefined;
  /** Whether tabs have one connection together; a name: with those that say the same. */
  readonly share?: boolean | string | undefined;
  /** "include" sends cookies to another origin. */
  readonly credentials?: RequestCredentials | undefined;
  /** More headers for submit, get, list, cancel and retry: a CSRF token that is kept elsewhere… */
  readonly headers?: (() => Readonly<Record<string, string>>) | undefined;
  /** The clock, the network and the rest of the world, for tests. */
  readonly environment?: Environment | undefined;
}

/** A job: its id, its channel or its document. */
export type JobReference = string | Pick<JobDocument, "id" | "token">;

/** An accepted job: with the token that opens it, shown this once. */
export type Submitted = JobDocument & { readonly token: string };

export interface SubscribeOptions {
  /** Opens the channel; without it the job's own token if it is known, else the client's. */
  readonly token?: TokenSource | undefined;
  /** After which position; "earliest" for all that is kept; without it, a document's own. */
  readonly cursor?: string | null | undefined;
}

export interface JobFilter {
  readonly status?: Status | undefined;
  readonly name?: string | undefined;
  readonly tag?: string | undefined;
  /** From 1 to 100; 20 by default. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

/** Jobs, the newest first. */
export interface JobPage {
  readonly jobs: readonly JobDocument[];
  /** What `after` takes for the next page; null on the last. */
  readonly next: string | null;
}

/** The caller's jobs: all of them, or those with a tag. */
export type JobsSubscription = Subscription<JobStates>;

/** Whom the client asks: see `connect`. */
export class Jobs {
  /** Where this client submits and reads: the API's base, such as `/jobs`. */
  readonly url: string;
  /** How the connection is. It says nothing of any job. */
  readonly connection: Store<ConnectionState>;
  readonly #api: Api;
  readonly #source: Source;
  /** Those that submissions gave, by the job's id. */
  readonly #tokens = new Map<string, string>();
  readonly #subscriptions = new Set<Subscription<unknown>>();

  /** @internal */
  constructor(api: Api, source: Source) {
    this.#api = api;
    this.#source = source;
    this.connection = source.state;
    this.url = api.url;
  }

  /**
   * Submit a job. Rejects with a `PushjobsError` where it is refused, and where the server cannot be
   * reached in several tries; these never make a second job.
   */
  async submit(name: string, args: Args = {}, options: SubmitOptions = {}): Promise<Submitted> {
    return this.#accepted("", submission(name, args, options));
  }

  /**
   * Follow a job, by its channel or document, or all of the caller's jobs or those with a tag. What
   * is wrong with the channel, `done` of the subscription tells.
   */
  subscribe(job: `job:${string}` | JobDocument, options?: SubscribeOptions): JobSubscription;
  subscribe(channel: "user:me" | `tag:${string}`, options?: SubscribeOptions): JobsSubscription;
  subscribe(channel: Channel | JobDocument, options?: SubscribeOptions): JobSubscription | JobsSubscription;
  subscribe(
    what: Channel | JobDocument,
    { token, cursor }: SubscribeOptions = {},
  ): JobSubscription | JobsSubscription {
    const source = this.#source;
    if (typeof what !== "string" || what.startsWith("job:")) {
      const id = idOf(what);
      const start = { token: token ?? this.#tokenOf(what), cursor };
      const known =
        typeof what === "string" || cursor !== undefined ? {} : { cursor: what.cursor, document: what };
      return this.#kept(new JobSubscription(source, this.#api, id, { ...start, ...known }));
    }
    if (what !== "user:me" && !what.startsWith("tag:")) throw new TypeError(`"${what}" is no channel`);
    return this.#kept(new Subscription(source, what, { token, cursor }, (jobs) => jobs));
  }

  /** A job's document. */
  async get(job: JobReference, options?: { signal?: AbortSignal }): Promise<JobDocument> {
    return json(this.#api.call(`/${idOf(job)}`, { token: this.#tokenOf(job), ...options }));
  }

  /**
   * The response that a job ends with, that of an asynchronous view for instance: waited for, and
   * whatever its status. Rejects with a `PushjobsError` where the API refuses: `not-found`, `gone` for
   * a job that was cancelled or is no longer kept…
   */
  async response(job: JobReference, options?: { signal?: AbortSignal }): Promise<Response> {
    return this.#api.response(idOf(job), { token: this.#tokenOf(job), ...options });
  }

  /** The caller's jobs. */
  async list(filter: JobFilter = {}, options?: { signal?: AbortSignal }): Promise<JobPage> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, `${value}`);
    return json(this.#api.call(`?${query}`, options));
  }

  /** Ask for a job's end; its document says whether it is there yet. Rejects (409) where it has ended otherwise. */
  async cancel(job: JobReference): Promise<JobDocument> {
    return json(this.#api.call(`/${idOf(job)}/cancel`, { body: "", token: this.#tokenOf(job) }));
  }

  /** Submit a failed or cancelled job once more, as a new one. */
  async retry(job: JobReference): Promise<Submitted> {
    return this.#accepted(`/${idOf(job)}/retry`, { body: "", token: this.#tokenOf(job), once: true });
  }

  /** Close all subscriptions, and follow nothing any more. The client can still submit and read. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#source.close();
  }

  /** Who waits for a subscription is to know when the client is closed. */
  #kept<T extends Subscription<unknown>>(subscription: T): T {
    this.#subscriptions.add(subscription);
    const forget = () => this.#subscriptions.delete(subscription);
    subscription.done.then(forget, forget);
    return subscription;
  }

  async #accepted(path: string, call: Call): Promise<Submitted> {
    const job: Submitted = await json(this.#api.call(path, call));
    this.#tokens.set(job.id, job.token);
    return job;
  }

  #tokenOf(job: JobReference): string | undefined {
    return (typeof job === "string" ? undefined : job.token) ?? this.#tokens.get(idOf(job));
  }
}

/**
 * A client of the API at `url`. Nothing is sent before it is used; all that it follows goes over one
 * connection.
 */
export function connect(options: ConnectOptions = {}): Jobs {
  const { url = "/jobs", environment = browserEnvironment(), ...rest } = options;
  const own = { ...rest, url: url.replace(/\/+$/, ""), environment };
  const transports = own.transports?.flatMap((way) =>
    way === "polling" ? (["long-polling", way] as const) : way,
  );
  const load = async () => (await import("./following.ts")).openFollowing({ ...own, transports });
  return new Jobs(new Api(own), new LazySource(load, environment));
}

function idOf(job: JobReference): string {
  const id = typeof job === "string" ? job.replace(/^job:/, "") : job.id;
  if (!/^[\w-]+$/.test(id)) throw new TypeError(`"${id}" is no job's id`);
  return id;
}
