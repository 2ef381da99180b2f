/** Events and documents of one job, as tests need them. */

import type { Channel, EventData, EventType, JobDocument, JobEvent } from "../src/wire.ts";

export const ID = "0192f3c8-7d1e-7c55-9a64-0c1f6a2b3c4d";
export const CHANNEL: Channel = `job:${ID}`;

export interface Members {
  readonly job?: string;
  readonly channel?: Channel;
  readonly attempt?: number;
  readonly time?: string;
}

/** An event of the job's first attempt, unless `members` say otherwise. */
export function event<T extends EventType>(type: T, data: EventData[T], members: Members = {}): JobEvent {
  const { job = ID, channel = `job:${job}`, attempt = 1, time = "2026-03-01T12:00:02.000Z" } = members;
  const made = { channel, job, name: "demo.narrate", type, attempt, time, data };
  return made as JobEvent;
}

export const queued = (members: Members = {}) =>
  event("job.queued", { run_at: null }, { attempt: 0, ...members });
export const started = (members?: Members) => event("job.started", {}, members);
export const output = (chunk: string, members?: Members) =>
  event("job.output", { stream: "output", chunk }, members);
export const progress = (done: number, members?: Members) =>
  event("job.progress", { done, total: 4, percent: done * 25, message: null }, members);
export const succeeded = (result: EventData["job.succeeded"]["result"] = { words: 2 }, members?: Members) =>
  event("job.succeeded", { result, status_code: 200, content_type: "application/json" }, members);
export const PROBLEM = { type: "urn:pushjobs:problem:job-failed", title: "The job failed", status: 422 };
export const failed = (members?: Members) => event("job.failed", { error: PROBLEM }, members);
export const cancelled = (members?: Members) => event("job.cancelled", {}, members);
export const snapshot = (changes: Partial<JobDocument> & { recovered?: boolean; more?: boolean } = {}) => {
  const data = { ...document(changes), ...changes };
  return event("job.snapshot", data, { job: data.id, attempt: data.attempt });
};

/** The job as it waits, unless `changes` say otherwise. */
export function document(changes: Partial<JobDocument> = {}): JobDocument {
  const id = changes.id ?? ID;
  return {
    id,
    name: "demo.narrate",
    status: "queued",
    attempt: 0,
    max_attempts: 3,
    progress: null,
    result: null,
    error: null,
    tags: [],
    created_at: "2026-03-01T12:00:00.000Z",
    run_at: null,
    started_at: null,
    finished_at: null,
    expires_at: null,
    cursor: null,
    links: {
      self: `/jobs/${id}`,
      response: `/jobs/${id}/response`,
      events: `/jobs/${id}/events`,
      socket: "/jobs/socket",
      cancel: `/jobs/${id}/cancel`,
    },
    ...changes,
  };
}
