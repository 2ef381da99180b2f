import { beforeEach, describe, expect, test } from "vitest";
import { JobBoard, type JobState, reduce, reduceAll, retold, snapshotOf } from "../src/job.ts";
import type { JobEvent } from "../src/wire.ts";
import {
  CHANNEL,
  document,
  event,
  failed,
  ID,
  output,
  PROBLEM,
  progress,
  queued,
  snapshot,
  started,
  succeeded,
} from "./jobs.ts";

const LIMIT = 200_000;

/** The job after these events. */
function stateAfter(...events: JobEvent[]): JobState {
  let job: JobState | undefined;
  for (const next of events) job = reduce(job, next);
  if (job === undefined) throw new Error("no events");
  return job;
}

describe("a job's state", () => {
  test("is the very same object after an event that tells nothing new", () => {
    const job = stateAfter(started({ attempt: 2 }));
    expect(reduce(job, output("late", { attempt: 1 }))).toBe(job);
    const over = reduce(job, succeeded(1, { attempt: 2 }));
    expect(reduce(over, output("late", { attempt: 2 }))).toBe(over);
  });

  test("has the name, the time of its newest event and when it will run", () => {
    const run_at = "2026-03-01T13:00:00.000Z";
    const job = stateAfter(event("job.queued", { run_at }, { attempt: 0, time: "2026-03-01T12:00:00.000Z" }));
    expect(job).toMatchObject({ id: ID, name: "demo.narrate", runAt: run_at, status: "scheduled" });
    expect(job.updatedAt).toBe("2026-03-01T12:00:00.000Z");
    expect(reduce(job, started())).toMatchObject({ runAt: null, updatedAt: "2026-03-01T12:00:02.000Z" });
  });

  test("is scheduled until a retry, and queued where the worker gave it back at once", () => {
    const retrying = (retry_at: string | null) =>
      stateAfter(started(), event("job.retrying", { error: PROBLEM, retry_at }));
    const later = "2026-03-01T12:00:09.000Z";
    expect(retrying(later)).toMatchObject({ status: "scheduled", runAt: later, error: PROBLEM });
    expect(retrying("2026-03-01T12:00:02.000Z")).toMatchObject({ status: "queued", runAt: null });
    expect(retrying(null)).toMatchObject({ status: "queued", runAt: null });
  });

  test("takes no output and no progress from an attempt that was given up", () => {
    const given = stateAfter(started(), event("job.retrying", { error: PROBLEM, retry_at: null }));
    expect(reduce(given, output("late"))).toBe(given);
    expect(reduce(given, progress(1))).toBe(given);
    expect(reduce(given, started())).toBe(given);
  });

  test("keeps the newest document, without what only this client adds", () => {
    const job = stateAfter(
      snapshot({ status: "running", attempt: 1, tags: ["a"], recovered: false }),
      progress(2),
    );
    expect(job.document).toEqual(document({ status: "running", attempt: 1, tags: ["a"] }));
    expect(job.progress?.done).toBe(2);
  });
});

describe("output", () => {
  test("is whole up to its limit", () => {
    const job = stateAfter(started(), output("x".repeat(LIMIT)));
    expect(job.output.length).toBe(LIMIT);
    expect(job.outputTruncated).toBe(false);
  });

  test("past it is the newest of it, and says so", () => {
    const job = stateAfter(started(), output("x".repeat(LIMIT)), output("the end"));
    expect(job.output.endsWith("xthe end")).toBe(true);
    expect(job.output.length).toBe(LIMIT * 0.75);
    expect(job.outputTruncated).toBe(true);
    expect(job.outputComplete).toBe(true);
  });

  test("is not cut at each event, once it is past its limit", () => {
    let job = stateAfter(started(), output("x".repeat(LIMIT)));
    let cuts = 0;
    for (let count = 0; count < 1_000; count++) {
      const before = job.output.length;
      job = reduce(job, output("0123456789"));
      if (job.output.length < before) cuts++;
    }
    expect(cuts).toBe(1);
  });

  test("is not cut within a character", () => {
    const job = stateAfter(started(), output("😀".repeat(LIMIT / 2)), output("!"));
    expect(() => encodeURI(job.output)).not.toThrow();
    expect(job.output.codePointAt(0)).toBe("😀".codePointAt(0));
  });

  test("of the next attempt begins anew, cut or not", () => {
    const job = stateAfter(
      started(),
      output("x".repeat(LIMIT + 1)),
      started({ attempt: 2 }),
      output("y", { attempt: 2 }),
    );
    expect(job).toMatchObject({ output: "y", outputTruncated: false, outputComplete: true });
  });
});

describe("who follows late", () => {
  const known: Record<string, JobEvent[]> = {
    "waits for its next attempt": [
      started(),
      event("job.retrying", { error: PROBLEM, retry_at: "2027-01-01" }),
    ],
    runs: [queued(), started(), output("Hello"), progress(1), output(" there")],
    "runs, from a snapshot on": [snapshot({ status: "running", attempt: 1 }), output("lo")],
    "has put out much": [started(), output("x".repeat(LIMIT + 1))],
    "has succeeded": [started(), output("Hello"), succeeded()],
    "has failed": [started(), failed()],
  };

  test.each(Object.entries(known))("knows the same of a job that %s", (_, events) => {
    const job = stateAfter(...events);
    const told = retold(job, "user:me");
    expect(told?.channel).toBe("user:me");
    expect(told && reduce(undefined, told)).toEqual(job);
  });

  test("forgets what it knew of another attempt or of less output", () => {
    const before = stateAfter(started(), output("Hel"));
    const told = retold(stateAfter(started(), output("Hello")), CHANNEL);
    expect(told && reduce(before, told)).toMatchObject({ output: "Hello", outputComplete: true });
  });

  test("is told nothing of a job of which nothing is known", () => {
    expect(retold(reduce(undefined, event("job.applauded" as "job.started", {})), CHANNEL)).toBeUndefined();
  });

  test("is told no token", () => {
    const job = stateAfter(snapshotOf(document({ token: "secret" })));
    expect(JSON.stringify([job, retold(job, CHANNEL)])).not.toContain("secret");
  });
});

describe("the jobs of a channel", () => {
  const ids = Array.from({ length: 201 }, (_, number) => `job-${number}`);

  test("are known by their ids", () => {
    let jobs = reduceAll(new Map(), queued({ job: "a" }));
    jobs = reduceAll(jobs, started({ job: "b" }));
    expect([...jobs.values()].map(({ id, status }) => [id, status])).toEqual([
      ["a", "queued"],
      ["b", "running"],
    ]);
    expect(reduceAll(jobs, event("job.applauded" as "job.started", {}, { job: "c" }))).toBe(jobs);
  });

  test("let the first go that is over, past two hundred", () => {
    let jobs = reduceAll(new Map(), queued({ job: "waits" }));
    for (const job of ids) jobs = reduceAll(jobs, succeeded(1, { job }));
    expect(jobs.size).toBe(200);
    expect([...jobs.keys()].slice(0, 2)).toEqual(["waits", "job-2"]);
  });

  test("let none go that has only just ended", () => {
    let jobs = reduceAll(new Map(), started({ job: "ends" }));
    for (const job of ids) jobs = reduceAll(jobs, started({ job }));
    jobs = reduceAll(jobs, succeeded(1, { job: "ends" }));
    expect(jobs.get("ends")?.over).toBe(true);
  });

  test("are all kept while they are not over", () => {
    let jobs = reduceAll(new Map(), queued({ job: "waits" }));
    for (const job of ids) jobs = reduceAll(jobs, started({ job }));
    expect(jobs.size).toBe(202);
  });
});

describe("where what came before is lost", () => {
  const told = (id: string, more?: boolean) => snapshot({ id, recovered: false, ...(more && { more }) });
  let board: JobBoard;

  beforeEach(() => {
    board = new JobBoard([queued({ job: "a" }), queued({ job: "b" }), queued({ job: "c" })]);
  });

  test("jobs that are not told of are gone, once all are told", () => {
    board.take(told("b"), null);
    expect([...board.jobs.keys()]).toEqual(["a", "b", "c"]);
    board.take(told("d"), "c9");
    expect([...board.jobs.keys()]).toEqual(["b", "d"]);
  });

  test("they stay where there are more than are told of", () => {
    board.take(told("d", true), "c9");
    expect([...board.jobs.keys()]).toEqual(["a", "b", "c", "d"]);
  });

  test("they stay where nothing is lost", () => {
    board.take(snapshot({ id: "d" }), "c9");
    expect([...board.jobs.keys()]).toEqual(["a", "b", "c", "d"]);
  });

  test("what was told before another event is not counted", () => {
    board.take(told("a"), null);
    board.take(started({ job: "b" }), "c8");
    board.take(told("c"), "c9");
    expect([...board.jobs.keys()]).toEqual(["c"]);
  });
});
