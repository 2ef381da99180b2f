/** How a job stands, put together from its events. */

import {
  type Channel,
  isOver,
  type JobDocument,
  type JobEvent,
  type Json,
  type Problem,
  type Progress,
  type Status,
} from "./wire.ts";

/** A job as its events tell it. Each event makes a new one; none is ever changed. */
export interface JobState {
  readonly id: string;
  /** Null until something is known of the job; so is `status`. */
  readonly name: string | null;
  readonly status: Status | null;
  /** The run of the job, from 1; 0 before the first. */
  readonly attempt: number;
  readonly progress: Progress | null;
  /** What this attempt has put out: the newest 200,000 characters at most. */
  readonly output: string;
  /** Whether nothing of this attempt's output was missed. */
  readonly outputComplete: boolean;
  /** Whether the beginning of `output` was let go, since there is so much of it. */
  readonly outputTruncated: boolean;
  /** Null where there is none, and where it is not inline: `result()` of the subscription gets it. */
  readonly result: Json;
  /** Why it failed, or why the attempt before did. */
  readonly error: Problem | null;
  /** Until when it waits (RFC 3339), for its first attempt or the next. */
  readonly runAt: string | null;
  readonly over: boolean;
  /** When the newest event came about (RFC 3339). */
  readonly updatedAt: string | null;
  /** The newest document seen; what is above is newer. Null where only events were. */
  readonly document: JobDocument | null;
}

/** Characters of output kept; what is over it is cut back to three quarters, not at each event. */
const OUTPUT_MAX = 200_000;

const NO_OUTPUT = { output: "", outputComplete: true, outputTruncated: false };
/** What an attempt has said before it begins. */
const NOTHING = { ...NO_OUTPUT, progress: null };

/** A job of which nothing is known yet. */
export function unknownJob(id: string): JobState {
  return {
    id,
    name: null,
    status: null,
    attempt: 0,
    ...NOTHING,
    result: null,
    error: null,
    runAt: null,
    over: false,
    updatedAt: null,
    document: null,
  };
}

/** The job after `event`; the very same object where that tells nothing new. */
export function reduce(state: JobState | undefined, event: JobEvent): JobState {
  const known = state ?? unknownJob(event.job);
  const { attempt, name, time } = event;
  // What a snapshot has already may be told again, and an attempt that was given up may still speak.
  if (known.over || (attempt < known.attempt && event.type !== "job.snapshot")) return known;
  const begun = attempt > known.attempt && {
    ...NOTHING,
    status: "running" as const,
    outputComplete: false,
    error: null,
    runAt: null,
  };
  const base = { ...known, ...begun };
  const changes = told(base, event);
  return changes ? { ...base, name, attempt, updatedAt: time, ...changes } : known;
}

/** What `event` changes; undefined where it is void or of an unknown type. */
function told(known: JobState, event: JobEvent): Partial<JobState> | undefined {
  switch (event.type) {
    case "job.snapshot":
      return replaced(known, event);
    case "job.queued":
      return waiting(event.data.run_at);
    case "job.retrying": {
      const { error, retry_at } = event.data;
      // A worker that stops gives its job back at once: there is nothing to wait for.
      return { ...waiting(retry_at && retry_at > event.time ? retry_at : null), error };
    }
    case "job.started":
      // All that it puts out comes after this; its progress may be of a snapshot, and is kept.
      return running(known, NO_OUTPUT);
    case "job.progress":
      return running(known, { progress: event.data });
    case "job.output":
      return running(known, appended(known, event.data.chunk));
    case "job.succeeded":
      return { ...ended(known, "succeeded", event.data), result: event.data.result };
    case "job.failed":
      return { ...ended(known, "failed", event.data), error: event.data.error };
    case "job.cancelled":
      return ended(known, "cancelled", event.data);
  }
}

/** The jobs of a channel by id. */
export type JobStates = ReadonlyMap<string, JobState>;

/** Jobs of a channel that are kept; past it, the first of those that are over goes. */
const JOBS_MAX = 200;

/** All jobs of a channel after `event`; the very same object where that tells nothing new. */
export function reduceAll(jobs: JobStates, event: JobEvent): JobStates {
  const known = jobs.get(event.job);
  const state = reduce(known, event);
  if (state === known || state.status === null) return jobs;
  const all = new Map(jobs).set(event.job, state);
  const gone = all.size > JOBS_MAX && [...all.values()].find((job) => job.over && job.id !== event.job);
  if (gone) all.delete(gone.id);
  return all;
}

/** The jobs of a channel, as its events tell of them. */
export class JobBoard {
  jobs: JobStates = new Map();
  /** The jobs that the snapshots have told which come together. */
  readonly #told = new Set<string>();

  /** @param known What is known of them before. */
  constructor(known: Iterable<JobEvent> = []) {
    for (const event of known) this.jobs = reduceAll(this.jobs, event);
  }

  take(event: JobEvent, cursor: string | null): void {
    this.jobs = reduceAll(this.jobs, event);
    if (event.type !== "job.snapshot") {
      this.#told.clear();
      return;
    }
    this.#told.add(event.job);
    if (cursor === null) return;
    // The last of them. Where what came before is lost, a job that they do not tell of is gone.
    const { recovered, more } = event.data;
    const gone = recovered === false && !more && this.jobs.size > this.#told.size;
    if (gone) this.jobs = new Map([...this.jobs].filter(([id]) => this.#told.has(id)));
    this.#told.clear();
  }
}

const waits = (status: Status): boolean => status === "queued" || status === "scheduled";

/** It waits; what the attempt before it said is void. */
const waiting = (runAt: string | null): Partial<JobState> => ({
  ...NOTHING,
  status: runAt === null ? "queued" : "scheduled",
  runAt,
});

/** What an attempt says counts until it is given up. */
const running = (known: JobState, changes: Partial<JobState>): Partial<JobState> | undefined =>
  known.status === "running" ? changes : undefined;

const ended = (
  known: JobState,
  status: Status,
  { output_complete = known.outputComplete }: { readonly output_complete?: boolean },
): Partial<JobState> => ({ status, over: true, error: null, runAt: null, outputComplete: output_complete });

function appended(known: JobState, chunk: string): Partial<JobState> {
  const output = known.output + chunk;
  if (output.length <= OUTPUT_MAX) return { output };
  // Not in the middle of a surrogate pair.
  return { output: output.slice(-0.75 * OUTPUT_MAX).replace(/^[\uDC00-\uDFFF]/, ""), outputTruncated: true };
}

function replaced(known: JobState, { data }: JobEvent<"job.snapshot">): Partial<JobState> {
  const { recovered, more, output, output_truncated, ...document } = data;
  const { status, attempt, progress, result, error, run_at } = document;
  const changes = {
    ...NO_OUTPUT,
    status,
    progress,
    result,
    error,
    runAt: run_at,
    over: isOver(status),
    document: document.links ? document : known.document,
  };
  if (waits(status) || attempt === 0) return changes;
  if (output !== undefined) {
    return {
      ...changes,
      output,
      outputComplete: recovered !== false,
      outputTruncated: output_truncated === true,
    };
  }
  const kept = attempt === known.attempt && { output: known.output, outputTruncated: known.outputTruncated };
  return { ...changes, ...kept, outputComplete: false };
}

/** `document` as an event, as the server would tell it to who has no cursor. */
export function snapshotOf({ token: _, ...document }: JobDocument): JobEvent<"job.snapshot"> {
  const { id, name, attempt, created_at, started_at, finished_at } = document;
  return {
    channel: `job:${id}`,
    job: id,
    name,
    type: "job.snapshot",
    attempt,
    time: finished_at ?? started_at ?? created_at,
    data: document,
  };
}

/** What is known of a job as an event, for who follows it late; undefined where nothing is. */
export function retold(state: JobState, channel: Channel): JobEvent<"job.snapshot"> | undefined {
  const { id, name, status, attempt, progress, result, error, runAt, updatedAt } = state;
  if (name === null || status === null || updatedAt === null) return undefined;
  const known = { id, name, status, attempt, progress, result, error, run_at: runAt };
  return {
    channel,
    job: id,
    name,
    type: "job.snapshot",
    attempt,
    time: updatedAt,
    data: {
      ...(state.document ? { ...state.document, ...known } : known),
      output: state.output,
      ...(state.outputTruncated && { output_truncated: true }),
      ...(!state.outputComplete && { recovered: false }),
    },
  };
}
