import { beforeEach, describe, expect, test, vi } from "vitest";
import type { JobState } from "../src/job.ts";
import { problem } from "../src/problems.ts";
import type { JobEvent } from "../src/wire.ts";
import { settle } from "./environment.ts";
import type { FakeSource } from "./fake-source.ts";
import { document, failed, ID, output, progress, queued, started, succeeded } from "./jobs.ts";
import { read, Subscriber } from "./subscriber.ts";

let source: FakeSource;
let follow: Subscriber["follow"];
let followAll: Subscriber["followAll"];

beforeEach(() => {
  const subscriber = new Subscriber();
  source = subscriber.source;
  follow = (start) => subscriber.follow(start);
  followAll = (channel) => subscriber.followAll(channel);
});

describe("iteration", () => {
  test("reads the events in order, and ends with the job", async () => {
    const subscription = follow();
    const types = read(subscription);
    source.last.tell(queued(), started(), output("Hello"), succeeded());
    expect(await types).toEqual(["queued", "started", "output", "succeeded"]);
    expect(source.live).toEqual([]);
  });

  test("waits where there is nothing to read yet", async () => {
    const types = read(follow());
    for (const event of [started(), output("Hello"), succeeded()]) {
      await settle();
      source.last.tell(event);
    }
    expect(await types).toEqual(["started", "output", "succeeded"]);
  });

  test("is at each reader's own pace, and who leaves ends only itself", async () => {
    const subscription = follow();
    const all = read(subscription);
    const left: string[] = [];
    const leaving = (async () => {
      for await (const event of subscription) {
        left.push(event.type);
        break;
      }
    })();
    source.last.tell(started(), output("Hello"));
    await leaving;
    expect(source.live.length).toBe(1);
    source.last.tell(succeeded());
    expect(await all).toEqual(["started", "output", "succeeded"]);
    expect(left).toEqual(["job.started"]);
  });

  test("that begins late begins with what is known", async () => {
    const subscription = follow();
    source.last.tell(started(), output("Hello"));
    const reading: JobEvent[] = [];
    const types = (async () => {
      for await (const event of subscription) reading.push(event);
    })();
    source.last.tell(output(" there"), succeeded());
    await types;
    expect(reading.map(({ type }) => type)).toEqual(["job.snapshot", "job.output", "job.succeeded"]);
    expect(reading[0]?.data).toMatchObject({ status: "running", output: "Hello" });
    expect(await read(subscription)).toEqual(["snapshot"]);
  });

  test("rejects where the channel cannot be followed, after what was there to read", async () => {
    const subscription = follow();
    const iterator = subscription[Symbol.asyncIterator]();
    source.last.tell(started());
    source.last.failed(problem("not-found", "There is no such job", 404));
    expect((await iterator.next()).value?.type).toBe("job.started");
    await expect(iterator.next()).rejects.toMatchObject({ code: "not-found", status: 404 });
    await expect(subscription.done).rejects.toMatchObject({ code: "not-found" });
  });

  test("ends when the subscription is closed, and reads no more than there was", async () => {
    const subscription = follow();
    const types = read(subscription);
    source.last.tell(started());
    const { last } = source;
    subscription.close();
    last.stopped = false;
    last.tell(output("late"));
    expect(await types).toEqual(["started"]);
    await subscription.done;
  });

  test("that is given up lets go of whoever waits", async () => {
    const iterator = follow()[Symbol.asyncIterator]();
    const next = iterator.next();
    await iterator.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    source.last.tell(started());
    expect((await iterator.next()).done).toBe(true);
  });

  test("goes on over the ends of many jobs", async () => {
    const subscription = followAll();
    const types = read(subscription);
    source.last.tell(succeeded(1, { job: "a" }), started({ job: "b" }), failed({ job: "b" }));
    subscription.close();
    expect(await types).toEqual(["succeeded", "started", "failed"]);
  });

  test("of a tag with a job's id for a name goes on over that job's end", async () => {
    const subscription = followAll(`tag:${ID}`);
    source.last.tell(succeeded());
    expect(source.live.length).toBe(1);
    subscription.close();
  });
});

describe("who reads slowly", () => {
  const many = 1_500;

  /** What is left to read after so much progress, with output in between. */
  async function backlog(count: number): Promise<JobEvent[]> {
    const subscription = follow();
    const iterator = subscription[Symbol.asyncIterator]();
    source.last.tell(started());
    for (let done = 0; done < count; done++) {
      source.last.tell(progress(done));
      if (done % 10 === 0) source.last.tell(output(`${done} `));
    }
    source.last.tell(succeeded());
    const events: JobEvent[] = [];
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) events.push(next.value);
    return events;
  }

  test("is told everything while that is bounded", async () => {
    expect((await backlog(900)).length).toBe(1 + 900 + 90 + 1);
  });

  test("is spared progress that is out of date, and loses neither output nor the end", async () => {
    const events = await backlog(many);
    const outputs = events.filter(({ type }) => type === "job.output");
    expect(events.length).toBeLessThan(1_000 + many / 10);
    expect(outputs.length).toBe(many / 10);
    expect(events.at(0)?.type).toBe("job.started");
    expect(events.at(-2)).toEqual(progress(many - 1));
    expect(events.at(-1)?.type).toBe("job.succeeded");
  });

  test("keeps the newest progress of each job", async () => {
    const subscription = followAll();
    const iterator = subscription[Symbol.asyncIterator]();
    source.last.tell(progress(7, { job: "other" }));
    for (let done = 0; done < many; done++) source.last.tell(progress(done));
    expect((await iterator.next()).value).toEqual(progress(7, { job: "other" }));
  });
});

describe("listeners", () => {
  test("hear their type, and a star hears all", () => {
    const subscription = follow();
    const chunks: string[] = [];
    const all: string[] = [];
    const stop = subscription.on("job.output", ({ data }) => chunks.push(data.chunk));
    subscription.on("*", ({ type }) => all.push(type));
    source.last.tell(started(), output("Hello"));
    stop();
    source.last.tell(output("unheard"));
    expect(chunks).toEqual(["Hello"]);
    expect(all).toEqual(["job.started", "job.output", "job.output"]);
  });

  test("that are taken away while others hear are not called any more", () => {
    const subscription = follow();
    const heard: string[] = [];
    subscription.on("job.started", () => stop());
    const stop = subscription.on("job.started", ({ type }) => heard.push(type));
    source.last.tell(started());
    expect(heard).toEqual([]);
  });

  test("find the state as it is after their event", () => {
    const subscription = follow();
    const outputs: string[] = [];
    subscription.on("job.output", () => outputs.push(subscription.state.get().output));
    source.last.tell(started(), output("Hel"), output("lo"));
    expect(outputs).toEqual(["Hel", "Hello"]);
  });

  test("that throw stop no one else, and the page is told", () => {
    const later = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
    const subscription = follow();
    const heard: string[] = [];
    subscription.state.subscribe(({ attempt }) => {
      if (attempt > 0) throw new Error("in the watcher");
    });
    subscription.on("job.started", () => {
      throw new Error("in the listener");
    });
    subscription.on("job.started", ({ type }) => heard.push(type));
    source.last.tell(started());
    expect(heard).toEqual(["job.started"]);
    expect(later.mock.calls.length).toBe(2);
    for (const [run] of later.mock.calls) expect(run).toThrow(/in the (watcher|listener)/);
  });
});

describe("the state", () => {
  test("is a store: read at any time, watched from now on", () => {
    const subscription = follow();
    const seen: (string | null)[] = [];
    const stop = subscription.state.subscribe(({ status }) => seen.push(status));
    const before = subscription.state.get();
    expect(subscription.state.get()).toBe(before);
    source.last.tell(queued(), started());
    stop();
    source.last.tell(succeeded());
    expect(seen).toEqual([null, "queued", "running"]);
    expect(subscription.state.get()).toMatchObject({ id: ID, status: "succeeded", over: true });
  });

  test("does not change with an event that changes nothing", () => {
    const subscription = follow();
    source.last.tell(started({ attempt: 2 }));
    const seen: JobState[] = [];
    subscription.state.subscribe((state) => seen.push(state));
    source.last.tell(output("late", { attempt: 1 }));
    expect(seen.length).toBe(1);
  });

  test("begins with the document that is followed", () => {
    const subscription = follow({ cursor: "c0", document: document({ tags: ["a"] }) });
    expect(subscription.state.get()).toMatchObject({ status: "queued", name: "demo.narrate" });
    expect(source.last.start.cursor).toBe("c0");
  });

  test("of many jobs is a map that is never changed", () => {
    const subscription = followAll();
    source.last.tell(queued({ job: "a" }));
    const before = subscription.state.get();
    source.last.tell(started({ job: "b" }));
    expect([...before.keys()]).toEqual(["a"]);
    expect([...subscription.state.get().keys()]).toEqual(["a", "b"]);
  });
});

describe("the cursor", () => {
  test("is that of the newest event that has one", () => {
    const subscription = follow({ cursor: "c0" });
    expect(subscription.cursor).toBe("c0");
    source.last.at("c1", started());
    source.last.at(null, output("Hello"));
    expect(subscription.cursor).toBe("c1");
    source.last.moved("c2");
    expect(subscription.cursor).toBe("c2");
  });
});
