import { beforeEach, describe, expect, test } from "vitest";
import { JobCancelled, JobFailed, type PushjobsError } from "../src/errors.ts";
import { problem } from "../src/problems.ts";
import { settle, type World } from "./environment.ts";
import type { FakeSource } from "./fake-source.ts";
import { cancelled, document, failed, ID, PROBLEM, snapshot, started, succeeded } from "./jobs.ts";
import { read, Subscriber } from "./subscriber.ts";

let world: World;
let source: FakeSource;
let follow: Subscriber["follow"];

beforeEach(() => {
  const subscriber = new Subscriber();
  ({ world, source } = subscriber);
  follow = (start) => subscriber.follow(start);
});

describe("the result", () => {
  test("is what the event says, for any number of askers, at any time", async () => {
    const subscription = follow();
    const early = [subscription.result(), subscription.result()];
    source.last.tell(started(), succeeded({ words: 2 }));
    expect(await Promise.all(early)).toEqual([{ words: 2 }, { words: 2 }]);
    expect(await subscription.result()).toEqual({ words: 2 });
    expect(world.requests).toEqual([]);
  });

  test("that is falsy is a result", async () => {
    for (const result of [false, 0, ""]) {
      const subscription = follow();
      source.last.tell(succeeded(result));
      expect(await subscription.result()).toBe(result);
    }
    expect(world.requests).toEqual([]);
  });

  test.each([
    ["JSON", "application/json", "[1, 2]", [1, 2]],
    ["JSON of a kind of its own", "application/geo+json; charset=utf-8", "null", null],
    ["text", "text/csv; charset=utf-8", "a,b", "a,b"],
  ])("that is not inline is fetched: %s", async (_, type, body, result) => {
    const subscription = follow({ token: "t" });
    const asked = subscription.result();
    source.last.tell(succeeded(null));
    const request = await world.request();
    expect(`${request.method} ${request.url}`).toBe(`GET https://example.org/jobs/${ID}/response`);
    expect(request.headers.get("X-Job-Authorization")).toBe("Bearer t");
    request.answer(200, body, { "Content-Type": type });
    expect(await asked).toEqual(result);
  });

  test("that is elsewhere is fetched with a token that another origin does not get", async () => {
    const asked = follow({ token: "t" }).result();
    source.last.tell(succeeded(null));
    const first = await world.request();
    expect(first.init.redirect).toBe("manual");
    first.redirect();
    const second = await world.request();
    expect(second.init.redirect).toBe("follow");
    expect(second.headers.get("Authorization")).toBe("Bearer t"); // Which a browser lets go of.
    expect(second.headers.has("X-Job-Authorization")).toBe(false);
    second.answer(200, "there", { "Content-Type": "text/plain" });
    expect(await asked).toBe("there");
  });

  test("that is a file is a blob", async () => {
    const asked = follow().result();
    source.last.tell(succeeded(null));
    (await world.request()).answer(200, "bytes", { "Content-Type": "video/mp4" });
    const file = await asked;
    expect(file).toBeInstanceOf(Blob);
    expect(file instanceof Blob && [file.type, await file.text()]).toEqual(["video/mp4", "bytes"]);
  });

  test("may have an error's status of its own", async () => {
    const asked = follow().result();
    source.last.tell(succeeded(null));
    (await world.request()).answer(404, { found: 0 }, { "Content-Type": "application/json" });
    expect(await asked).toEqual({ found: 0 });
  });

  test("rejects where it can no longer be fetched", async () => {
    const asked = follow().result();
    source.last.tell(succeeded(null));
    (await world.request()).refuse(410, "gone");
    await expect(asked).rejects.toMatchObject({ code: "gone" });
  });

  test("of a failed job is its error", async () => {
    const asked = follow().result();
    source.last.tell(failed());
    const error: PushjobsError = await asked.catch((reason) => reason);
    expect(error).toBeInstanceOf(JobFailed);
    expect([error.name, error.code, error.status]).toEqual(["JobFailed", "job-failed", 422]);
    expect(error.problem).toEqual(PROBLEM);
  });

  test("of a cancelled job is that it was", async () => {
    const asked = follow().result();
    source.last.tell(cancelled());
    await expect(asked).rejects.toBeInstanceOf(JobCancelled);
  });

  test("is there from a snapshot too", async () => {
    const asked = follow().result();
    source.last.tell(snapshot({ status: "succeeded", attempt: 1, result: 42 }));
    expect(await asked).toBe(42);
  });

  test("is there from the document, without a connection", async () => {
    const subscription = follow({ document: document({ status: "succeeded", attempt: 1, result: 42 }) });
    expect(await read(subscription)).toEqual(["snapshot"]);
    expect(await subscription.result()).toBe(42);
    expect(source.follows).toEqual([]);
  });

  test("is read where all was told, but not to this follower", async () => {
    const subscription = follow({ cursor: "c9", token: "t" });
    source.last.ended();
    const request = await world.request();
    expect(request.url.pathname).toBe(`/jobs/${ID}`);
    request.answer(200, document({ status: "succeeded", attempt: 1, result: 42 }));
    expect(await subscription.result()).toBe(42);
    expect(subscription.state.get()).toMatchObject({ over: true });
  });

  test("rejects where that cannot be read", async () => {
    const subscription = follow({ cursor: "c9" });
    source.last.ended();
    (await world.request()).refuse(410, "gone");
    await expect(subscription.result()).rejects.toMatchObject({ code: "gone" });
  });

  test("rejects where the job cannot be followed, and no one need ask for it", async () => {
    const subscription = follow();
    source.last.failed(problem("forbidden", "No", 403));
    await settle();
    await expect(subscription.result()).rejects.toMatchObject({ code: "forbidden" });
  });

  test("rejects as aborted where the subscription was closed before", async () => {
    const subscription = follow();
    const asked = subscription.result();
    subscription[Symbol.dispose]();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    expect(source.live).toEqual([]);
  });

  test("does not come of a connection that ends or waits", async () => {
    const subscription = follow();
    const asked = subscription.result();
    source.state.set({ ...source.state.get(), status: "waiting" });
    source.last.tell(started());
    await settle();
    expect(subscription.state.get().over).toBe(false);
    source.last.tell(succeeded(1));
    expect(await asked).toBe(1);
  });
});
