import { beforeEach, describe, expect, test } from "vitest";
import { Api } from "../src/api.ts";
import { Jobs } from "../src/client.ts";
import { World } from "./environment.ts";
import { FakeSource } from "./fake-source.ts";
import { document, ID } from "./jobs.ts";

const PENDING = { Link: `</jobs/${ID}/events>; rel="monitor"; type="text/event-stream"` };

let world: World;
let jobs: Jobs;

beforeEach(() => {
  world = new World();
  jobs = new Jobs(new Api({ url: "/jobs", environment: world.environment }), new FakeSource());
});

test("a client says where it submits and reads", () => {
  expect(jobs.url).toBe("/jobs");
});

describe("the response of a job", () => {
  test("is waited for, by the job's right", async () => {
    const asked = jobs.response(document({ token: "t" }));
    const first = await world.request();
    expect([first.method, first.url.pathname]).toEqual(["GET", `/jobs/${ID}/response`]);
    expect(first.headers.get("Prefer")).toBe("wait=20");
    expect(first.headers.get("X-Job-Authorization")).toBe("Bearer t");
    first.answer(202, document(), { ...PENDING, "Preference-Applied": "wait=20" });
    (await world.request()).answer(200, "a,b", { "Content-Type": "text/csv" });
    expect(await (await asked).text()).toBe("a,b");
  });

  test("is asked for as often as the server wants, where that does not hold the request", async () => {
    const asked = jobs.response(ID);
    (await world.request()).answer(202, document(), { ...PENDING, "Retry-After": "2" });
    await world.pass(1_999);
    expect((await world.unseen()).requests).toBe(0);
    await world.pass(1);
    (await world.request()).answer(202, { accepted: true });
    expect((await asked).status).toBe(202); // Its own, which names no job.
  });

  test.each([
    ["of a failed job", 500, "job-failed"],
    ["of its own", 404, "no-such-customer"],
  ])("may be a problem: %s", async (_, status, slug) => {
    const asked = jobs.response(ID);
    (await world.request()).refuse(status, slug);
    const response = await asked;
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ title: slug });
  });

  test("may have a status that passes, mostly, once it has come several times", async () => {
    const asked = jobs.response(ID);
    world.onRequest = (request) => request.answer(503, "closed", { "Content-Type": "text/plain" });
    (await world.request()).answer(503, "closed", { "Content-Type": "text/plain" });
    await world.pass(60_000);
    expect((await asked).status).toBe(503);
    expect(world.requests).toHaveLength(4);
  });

  test.each([
    [404, "not-found"],
    [410, "gone"],
    [401, "unauthorized"],
  ])("rejects where the API refuses: %i", async (status, code) => {
    const asked = expect(jobs.response(ID)).rejects.toMatchObject({ status, code });
    (await world.request()).refuse(status, code);
    await asked;
  });

  test("is no longer waited for after an abort while a refusal is read", async () => {
    const stop = new AbortController();
    const asked = expect(jobs.response(ID, { signal: stop.signal })).rejects.toThrow("enough");
    const answer = (await world.request()).stream(503, { "Retry-After": "50" });
    await world.pass(1);
    stop.abort(new Error("enough"));
    await answer.end();
    await world.pass(1);
    await asked;
    expect(world.left).toMatchObject({ timers: 0, requests: 0 });
  });

  test("is no longer waited for after an abort", async () => {
    const stop = new AbortController();
    const asked = expect(jobs.response(ID, { signal: stop.signal })).rejects.toThrow("enough");
    (await world.request()).answer(202, document(), { ...PENDING, "Retry-After": "2" });
    await world.pass(1);
    stop.abort(new Error("enough"));
    await asked;
    expect(world.left).toMatchObject({ timers: 0, requests: 0 });
  });
});
