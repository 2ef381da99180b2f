/** What goes over the wire: `docs/protocol.md`, as types. */

/** A channel: one job's, all of the caller's jobs, or those of them with a tag. */
export type Channel = `job:${string}` | "user:me" | `tag:${string}`;

/** How a job stands. The last three are terminal: nothing follows them. */
export type Status = "scheduled" | "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** Any value that JSON can hold. */
export type Json = string | number | boolean | null | Json[] | { [member: string]: Json };

/** How far a job is; `total`, `percent` (0 to 100) and `message` may not be known. */
export interface Progress {
  readonly done: number;
  readonly total: number | null;
  readonly percent: number | null;
  readonly message: string | null;
}

/** A problem document (RFC 9457); its `type` is `urn:pushjobs:problem:<slug>`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly errors?: readonly { readonly loc: readonly (string | number)[]; readonly msg: string }[];
  readonly [member: string]: unknown;
}

/** A job's document. Times are RFC 3339 in UTC. */
export interface JobDocument {
  readonly id: string;
  readonly name: string;
  readonly status: Status;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly progress: Progress | null;
  readonly result: Json;
  readonly error: Problem | null;
  readonly tags: readonly string[];
  readonly created_at: string;
  readonly run_at: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly expires_at: string | null;
  /** Null in lists and in the answer to a cancel: keep the one you have. */
  readonly cursor: string | null;
  /** In the answer to a submission or a retry only. */
  readonly token?: string;
  readonly links: {
    readonly self: string;
    readonly response: string;
    readonly events: string;
    readonly socket: string;
    readonly cancel: string;
  };
}

/** What the events of a job tell of its document; `links` is there only where all of it is. */
export type PartialDocument = Pick<
  JobDocument,
  "id" | "name" | "status" | "attempt" | "progress" | "result" | "error" | "run_at"
> & { readonly links?: undefined };

/** The data of each type of event. */
export interface EventData {
  "job.snapshot": (JobDocument | PartialDocument) & {
    readonly recovered?: boolean;
    readonly more?: boolean;
    /** Added by this client where another follower has the job already: its output so far. */
    readonly output?: string;
    /** Added likewise, where the beginning of `output` was let go. */
    readonly output_truncated?: boolean;
  };
  "job.queued": { readonly run_at: string | null };
  "job.started": Readonly<Record<string, never>>;
  "job.progress": Progress;
  "job.output": { readonly stream: string; readonly chunk: string };
  "job.retrying": { readonly error: Problem; readonly retry_at: string | null };
  "job.succeeded": {
    readonly result: Json;
    readonly status_code: number;
    readonly content_type: string;
    readonly output_complete?: false;
  };
  "job.failed": { readonly error: Problem; readonly output_complete?: false };
  "job.cancelled": { readonly output_complete?: false };
}

export type EventType = keyof EventData;

/** One thing that happened to a job. */
export type JobEvent<T extends EventType = EventType> = {
  [Type in T]: {
    readonly channel: Channel;
    readonly job: string;
    readonly name: string;
    readonly type: Type;
    /** The run of the job, from 1; 0 before the first. */
    readonly attempt: number;
    readonly time: string;
    readonly data: EventData[Type];
  };
}[T];

/** A page of events, for who polls. */
export interface EventPage {
  readonly events: readonly { readonly cursor: string | null; readonly event: JobEvent }[];
  readonly cursor: string | null;
  readonly recovered: boolean | null;
  readonly ended: boolean;
  readonly more: boolean;
}

/** Frames that the server sends. Those of unknown type are ignored. */
export type ServerFrame =
  | { readonly type: "welcome"; readonly heartbeat: number }
  | { readonly type: "pong" }
  | {
      readonly type: "subscribed";
      readonly channel: Channel;
      readonly recovered: boolean | null;
      readonly cursor: string | null;
    }
  | {
      readonly type: "event";
      readonly channel: Channel;
      readonly cursor: string | null;
      readonly event: JobEvent;
    }
  | { readonly type: "unsubscribed"; readonly channel: Channel }
  | { readonly type: "cancelling"; readonly job: string }
  | {
      readonly type: "error";
      readonly code: string;
      readonly detail: string;
      readonly channel?: Channel;
      readonly job?: string;
    };

/** Frames that a client sends. */
export type ClientFrame =
  | {
      readonly type: "subscribe";
      readonly channel: Channel;
      readonly token?: string | undefined;
      readonly cursor?: string | undefined;
    }
  | { readonly type: "unsubscribe"; readonly channel: Channel }
  | { readonly type: "cancel"; readonly job: string; readonly token?: string }
  | { readonly type: "ping" };

const TERMINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled"]);

/** Whether a job of this status is over. */
export function isOver(status: Status): boolean {
  return TERMINAL.has(status);
}
