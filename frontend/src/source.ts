/**
 * A source of events: one connection to the server, the connection of another tab, or what stands
 * before either and lets several followers share a channel. Each has this face.
 */

import type { PushjobsError } from "./errors.ts";
import type { Store } from "./store.ts";
import type { Channel, JobDocument, JobEvent } from "./wire.ts";

/** The ways to the server, the best first. */
export type Transport = "websocket" | "sse" | "long-polling" | "polling";

/** How the connection is. It says nothing of any job. */
export interface ConnectionState {
  readonly status:
    | "idle" // nothing is followed
    | "connecting"
    | "open" // something was heard, and lately enough
    | "waiting" // until `retryAt`, after a failure
    | "offline" // the browser says that there is no network
    | "refused" // the server said not to come back; `error` says why
    | "closed"; // by `close()`
  /** That which is in use or being tried; null where there is none. */
  readonly transport: Transport | null;
  /** When it will be tried again, in milliseconds since the epoch. */
  readonly retryAt: number | null;
  /** Round trip in milliseconds, where the transport can tell. */
  readonly latency: number | null;
  readonly error: PushjobsError | null;
  /** Whether another tab has the connection. */
  readonly shared: boolean;
}

/** That of a connection which was not needed yet. */
export const IDLE: ConnectionState = {
  status: "idle",
  transport: null,
  retryAt: null,
  latency: null,
  error: null,
  shared: false,
};

/** A token, or what gets one: called again before it expires, and once after a 401. */
export type TokenSource = string | (() => string | Promise<string>);

/** Where to begin, and by what right. */
export interface Start {
  /** Opens this channel; without it the client's own token counts, or the session. */
  readonly token?: TokenSource | undefined;
  /** After which position; `earliest` for all that the log holds; without it, from a snapshot. */
  readonly cursor?: string | null | undefined;
  /** The job as it is known at `cursor`, for who follows it later. */
  readonly document?: JobDocument | undefined;
  /** The channel's jobs as the follower knows them now, if it knows them all. */
  readonly known?: (() => readonly JobEvent<"job.snapshot">[] | undefined) | undefined;
  /** The follower reads what lies between its cursor and the channel's, once it is told of that. */
  readonly catchesUp?: boolean | undefined;
}

/** Who follows a channel. No call may throw. */
export interface Sink {
  /** The next event, and the follower's cursor after it (null: it does not move). */
  event(event: JobEvent, cursor: string | null): void;
  /** A position without an event. */
  moved(cursor: string): void;
  /** The channel's job is over, and all of it was told. The source has let go of it. */
  ended(): void;
  /** The channel cannot be followed. The source has let go of it. */
  failed(error: PushjobsError): void;
}

export interface Source {
  readonly state: Store<ConnectionState>;
  /**
   * Follow a channel; returns how to stop. The sink is not called before that. A source takes each
   * channel once, unless it shares.
   */
  follow(channel: Channel, start: Start, sink: Sink): () => void;
  /** Follow nothing any more. */
  close(): void;
}
