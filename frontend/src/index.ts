export type { JobsSubscription, Submitted, SubscribeOptions } from "./client.ts";
export {
  type ConnectOptions,
  connect,
  type JobFilter,
  type JobPage,
  type JobReference,
  type Jobs,
} from "./client.ts";
export { browserEnvironment, type Environment, type SocketLike } from "./environment.ts";
export { JobCancelled, JobFailed, PushjobsError } from "./errors.ts";
export { type AsyncInit, fetchAsync } from "./fetch-async.ts";
export { type AsyncRequest, getAsyncRequest } from "./get-async-request.ts";
export { type JobState, type JobStates, reduce } from "./job.ts";
export type { ConnectionState, TokenSource, Transport } from "./source.ts";
export type { Store } from "./store.ts";
export type { Args, SubmitOptions } from "./submission.ts";
export type { JobSubscription, Result, Subscription } from "./subscription.ts";
export {
  type Channel,
  type EventData,
  type EventType,
  isOver,
  type JobDocument,
  type JobEvent,
  type Json,
  type Problem,
  type Progress,
  type Status,
} from "./wire.ts";
