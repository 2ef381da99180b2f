/** What programs may and may not write. `tsc` is the test: nothing here is ever run. */

import { expectTypeOf } from "vitest";
import {
  type Channel,
  type ConnectionState,
  connect,
  JobCancelled,
  type JobDocument,
  type JobEvent,
  JobFailed,
  type JobState,
  type JobSubscription,
  type JobsSubscription,
  type Json,
  type Problem,
  type Progress,
  PushjobsError,
  reduce,
  type Store,
  type Submitted,
} from "../src/index.ts";

declare const document: JobDocument;
declare const channel: Channel;
declare const files: FileList;

const jobs = connect();

connect({ url: "https://api.example.org/jobs", token: "t", transports: ["websocket", "sse", "polling"] });
connect({ token: async () => "t", share: false, credentials: "include" });
connect({ token: () => "t", share: "the team's", headers: () => ({ "X-Tenant": "a" }) });
// @ts-expect-error no such transport
connect({ transports: ["telepathy"] });
// @ts-expect-error a token is text
connect({ token: 1 });
expectTypeOf(jobs.connection).toEqualTypeOf<Store<ConnectionState>>();

// To submit.
expectTypeOf(jobs.submit("demo.narrate")).resolves.toEqualTypeOf<Submitted>();
expectTypeOf<Submitted["token"]>().toEqualTypeOf<string>();
expectTypeOf<JobDocument["token"]>().toEqualTypeOf<string | undefined>();
jobs.submit("a", { text: "Hello", nested: { list: [1, null] } }, { tags: ["a"], wait: 5, runAt: new Date() });
jobs.submit("a", {}, { files: { table: new File([], "a"), parts: [new Blob()], list: files } });
// @ts-expect-error a file is no text
jobs.submit("a", {}, { files: { table: "a,b" } });
// @ts-expect-error arguments go by name
jobs.submit("a", 1);
// @ts-expect-error there is no such option
jobs.submit("a", {}, { key: "a" });

// To subscribe.
expectTypeOf(jobs.subscribe("job:1")).toEqualTypeOf<JobSubscription>();
expectTypeOf(jobs.subscribe(document)).toEqualTypeOf<JobSubscription>();
expectTypeOf(jobs.subscribe("user:me")).toEqualTypeOf<JobsSubscription>();
expectTypeOf(jobs.subscribe("tag:a", { cursor: "earliest" })).toEqualTypeOf<JobsSubscription>();
expectTypeOf(jobs.subscribe(channel)).toEqualTypeOf<JobSubscription | JobsSubscription>();
// @ts-expect-error no channel
jobs.subscribe("everything");

// One job.
const job = jobs.subscribe(document);
expectTypeOf(job.state).toEqualTypeOf<Store<JobState>>();
expectTypeOf(job.result()).resolves.toEqualTypeOf<Json | Blob>();
expectTypeOf(job.cursor).toEqualTypeOf<string | null>();
expectTypeOf(job.done).resolves.toBeVoid();
job.on("job.progress", ({ data }) => expectTypeOf(data).toEqualTypeOf<Progress>());
job.on("job.output", ({ data }) => expectTypeOf(data.chunk).toBeString());
job.on("job.failed", ({ data }) => expectTypeOf(data.error).toEqualTypeOf<Problem>());
expectTypeOf(job.on("*", (event) => expectTypeOf(event).toEqualTypeOf<JobEvent>())).toEqualTypeOf<
  () => void
>();
// @ts-expect-error no such event
job.on("job.applauded", () => {});
{
  using short = jobs.subscribe("job:1");
  short.close();
}

// Events.
export async function events(): Promise<void> {
  for await (const event of job) {
    expectTypeOf(event).toEqualTypeOf<JobEvent>();
    if (event.type === "job.output") expectTypeOf(event.data.chunk).toBeString();
    // @ts-expect-error not every event has it
    event.data.chunk;
    if (event.type === "job.snapshot") {
      // Where another follower was told before, there may be no document to show.
      // @ts-expect-error
      event.data.tags;
      if (event.data.links) expectTypeOf(event.data.tags).toEqualTypeOf<readonly string[]>();
    }
  }
}

// Many jobs.
const mine = jobs.subscribe("user:me");
expectTypeOf(mine.state.get()).toEqualTypeOf<ReadonlyMap<string, JobState>>();
// @ts-expect-error many jobs have no one result
mine.result();

// States are read, and never written.
const state = job.state.get();
expectTypeOf(state.status).toEqualTypeOf<JobDocument["status"] | null>();
// @ts-expect-error
state.status = "queued";
// @ts-expect-error
mine.state.get().clear();
expectTypeOf(reduce).returns.toEqualTypeOf<JobState>();

// To read, cancel and retry takes an id, a channel or a document.
expectTypeOf(jobs.get("1")).resolves.toEqualTypeOf<JobDocument>();
expectTypeOf(jobs.response("1", { signal: new AbortController().signal })).resolves.toEqualTypeOf<Response>();
expectTypeOf(jobs.url).toEqualTypeOf<string>();
// @ts-expect-error it is read, and never written
jobs.url = "/other";
expectTypeOf(jobs.cancel(document)).resolves.toEqualTypeOf<JobDocument>();
expectTypeOf(jobs.retry("job:1")).resolves.toEqualTypeOf<Submitted>();
expectTypeOf(jobs.list({ status: "running", limit: 5 }))
  .resolves.toHaveProperty("next")
  .toEqualTypeOf<string | null>();
// @ts-expect-error no such status
jobs.list({ status: "done" });

// Errors are one family.
expectTypeOf<JobFailed>().toExtend<PushjobsError>();
expectTypeOf<JobCancelled>().toExtend<Error>();
expectTypeOf(new JobFailed(PROBLEM()).problem).toEqualTypeOf<Problem>();
expectTypeOf(new JobCancelled(PROBLEM()).code).toBeString();
expectTypeOf(new PushjobsError(PROBLEM()).status).toBeNumber();

declare function PROBLEM(): Problem;
