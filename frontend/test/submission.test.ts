import { beforeEach, describe, expect, test, vi } from "vitest";
import { Api } from "../src/api.ts";
import { connect, Jobs } from "../src/client.ts";
import { type FakeRequest, settle, World } from "./environment.ts";
import { FakeSource } from "./fake-source.ts";
import { document, ID } from "./jobs.ts";

let world: World;
let jobs: Jobs;

beforeEach(() => {
  world = new World();
  jobs = new Jobs(
    new Api({ url: "https://example.org/jobs", environment: world.environment }),
    new FakeSource(),
  );
});

const accepted = document({ token: "t", cursor: "c0" });

function form({ body }: FakeRequest): FormData {
  if (!(body instanceof FormData)) throw new Error("the body is no form");
  return body;
}

describe("a submission", () => {
  test("is JSON", async () => {
    const runAt = new Date("2099-01-01T00:00:00Z");
    const job = jobs.submit("demo.narrate", { text: "Hello" }, { tags: ["a"], runAt });
    const request = await world.request();
    expect([request.method, request.url.href]).toEqual(["POST", "https://example.org/jobs"]);
    expect(request.headers.get("Content-Type")).toBe("application/json");
    expect(request.headers.has("Prefer")).toBe(false);
    expect(request.init.keepalive).toBe(false);
    expect(JSON.parse(`${request.body}`)).toEqual({
      name: "demo.narrate",
      args: { text: "Hello" },
      tags: ["a"],
      run_at: "2099-01-01T00:00:00.000Z",
    });
    request.answer(202, accepted);
    expect(await job).toEqual(accepted);
  });

  test("leaves out what was not given", async () => {
    jobs.submit("demo.narrate");
    expect(JSON.parse(`${(await world.request()).body}`)).toEqual({ name: "demo.narrate", args: {} });
  });

  test("of a file that was not chosen says which one it is", async () => {
    const files = Object.assign<Record<string, Blob>, object>({}, { table: undefined });
    await expect(jobs.submit("demo.narrate", {}, { files })).rejects.toThrow('there is no file for "table"');
  });

  test("with files is a form, each under the name of its parameter", async () => {
    const table = new File(["a,b"], "cities.csv", { type: "text/csv" });
    const parts = [new Blob(["1"]), new File(["2"], "two.txt")];
    jobs.submit(
      "demo.profile_csv",
      { top: 1 },
      { files: { table, parts }, tags: ["a"], runAt: "2099-01-01T00:00:00Z" },
    );
    const request = await world.request();
    // The browser says which boundary it has chosen.
    expect(request.headers.has("Content-Type")).toBe(false);
    const fields = form(request);
    expect([...fields.keys()]).toEqual(["name", "args", "tags", "run_at", "table", "parts", "parts"]);
    expect(["name", "args", "tags", "run_at"].map((name) => fields.get(name))).toEqual([
      "demo.profile_csv",
      '{"top":1}',
      '["a"]',
      "2099-01-01T00:00:00Z",
    ]);
    expect(fields.getAll("parts").map((file) => file instanceof File && file.name)).toEqual([
      "blob",
      "two.txt",
    ]);
    expect(fields.get("table")).toMatchObject({ name: "cities.csv", type: "text/csv" });
  });

  test("may wait for the job's end", async () => {
    const job = jobs.submit("demo.narrate", {}, { wait: 20 });
    const request = await world.request();
    expect(request.headers.get("Prefer")).toBe("wait=20");
    request.answer(200, { ...accepted, status: "succeeded", result: 42 });
    expect((await job).result).toBe(42);
  });

  test("has a key of its own, unless one is given", async () => {
    jobs.submit("a");
    jobs.submit("b");
    jobs.submit("c", {}, { idempotencyKey: "mine" });
    await settle();
    const [first, second, third] = world.requests.map(({ headers }) => headers.get("Idempotency-Key") ?? "");
    expect(first).not.toBe(second);
    expect(first?.length).toBeGreaterThanOrEqual(16);
    expect(third).toBe("mine");
  });

  test("has one on a page without https as well", async () => {
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    jobs.submit("a");
    expect((await world.request()).headers.get("Idempotency-Key")).toMatch(/^\d+-\d+$/);
  });
});

describe("a submission that comes to nothing", () => {
  test("is sent again as it was, when the network is there", async () => {
    const job = jobs.submit("demo.narrate", {}, { files: { table: new Blob(["a"]) } });
    await (await world.request()).cut();
    await world.pass(1_000);
    const [first, second] = world.requests;
    expect(second?.headers.get("Idempotency-Key")).toBe(first?.headers.get("Idempotency-Key"));
    expect(second?.body).toBe(first?.body);
    second?.answer(202, accepted);
    expect((await job).id).toBe(ID);
    expect(world.left).toMatchObject({ timers: 0, requests: 0 });
  });

  test.each([
    [429, "too-many-requests"],
    [502, "http"],
    [503, "broker-unavailable"],
    [507, "storage-unavailable"],
  ])("by %i %s is sent again when the server says", async (status, slug) => {
    const job = jobs.submit("demo.narrate");
    (await world.request()).refuse(status, slug, { "Retry-After": "7" });
    await world.pass(6_999);
    expect(world.requests.length).toBe(1);
    await world.pass(1);
    world.requests[1]?.answer(202, accepted);
    expect((await job).id).toBe(ID);
  });

  test("is given up after four tries, with what the last one said", async () => {
    const job = jobs.submit("demo.narrate");
    job.catch(() => undefined);
    world.onRequest = (request) => request.refuse(503, "broker-unavailable");
    (await world.request()).refuse(503, "broker-unavailable");
    await world.pass(60_000);
    await expect(job).rejects.toMatchObject({ code: "broker-unavailable", status: 503 });
    expect(world.requests.length).toBe(4);
  });

  test("is given up at once, where it would have to wait for minutes", async () => {
    const job = jobs.submit("demo.narrate");
    (await world.request()).refuse(429, "too-many-requests", { "Retry-After": "3600" });
    await expect(job).rejects.toMatchObject({ code: "too-many-requests" });
    expect(world.left.timers).toBe(0);
  });

  test.each([
    [401, "unauthorized"],
    [404, "unknown-job-name"],
    [413, "too-large"],
    [422, "invalid-arguments"],
  ])("by %i %s is not sent again", async (status, slug) => {
    const job = jobs.submit("demo.narrate");
    (await world.request()).refuse(status, slug, { "Retry-After": "1" });
    await expect(job).rejects.toMatchObject({ code: slug, status });
    expect(world.left.timers).toBe(0);
  });

  test("says what is wrong with the arguments", async () => {
    const errors = [{ loc: ["args", "delay"], msg: "Input should be less than or equal to 5" }];
    const job = jobs.submit("demo.narrate", { delay: 9 });
    const problem = {
      type: "urn:pushjobs:problem:invalid-arguments",
      title: "No",
      detail: "Hm",
      status: 422,
      errors,
    };
    (await world.request()).answer(422, problem);
    await expect(job).rejects.toMatchObject({ message: "Hm", problem: { errors } });
  });

  test.each([
    ["HTML", "<h1>Request Entity Too Large</h1>"],
    ["nothing", null],
    ["JSON of another kind", { error: "no" }],
  ])("answered with %s by a proxy is an error by its status", async (_, body) => {
    const job = jobs.submit("demo.narrate");
    (await world.request()).answer(413, body);
    await expect(job).rejects.toMatchObject({ name: "PushjobsError", code: "http-413", status: 413 });
  });

  test("can be aborted while it waits for the next try", async () => {
    const aborter = new AbortController();
    const job = jobs.submit("demo.narrate", {}, { signal: aborter.signal });
    (await world.request()).refuse(503, "server-busy", { "Retry-After": "9" });
    await settle();
    expect(world.left.timers).toBe(1);
    aborter.abort();
    await expect(job).rejects.toMatchObject({ name: "AbortError" });
    await world.pass(10_000);
    expect(world.left.timers).toBe(0);
    expect(world.requests.length).toBe(1);
  });

  test("is not even sent where it was aborted before", async () => {
    const job = jobs.submit("demo.narrate", {}, { signal: AbortSignal.abort() });
    await expect(job).rejects.toMatchObject({ name: "AbortError" });
    expect(world.left.timers).toBe(0);
  });
});

describe("Django's CSRF token", () => {
  const page = (cookie: string, origin = "https://example.org") => {
    const href = `${origin}/page/`;
    vi.stubGlobal("document", { cookie, baseURI: href });
    vi.stubGlobal("location", { href, origin });
  };

  test.each([
    ["csrftoken=secret; sessionid=x", "secret"],
    ["a=b; csrftoken=secret", "secret"],
    ["__Host-csrftoken=secret", "secret"],
    ["other-csrftoken=wrong", null],
    ["", null],
  ])("is taken from the cookies %j", async (cookie, token) => {
    page(cookie);
    jobs.submit("demo.narrate");
    expect((await world.request()).headers.get("X-CSRFToken")).toBe(token);
  });

  test("is not shown to another origin", async () => {
    page("csrftoken=secret", "https://evil.example");
    jobs.submit("demo.narrate");
    expect((await world.request()).headers.has("X-CSRFToken")).toBe(false);
  });

  test("is not shown where a page has its relative URLs lead to another origin", async () => {
    page("csrftoken=secret");
    vi.stubGlobal("document", { cookie: "csrftoken=secret", baseURI: "https://cdn.example/" });
    const relative = connect({ url: "/jobs", environment: world.environment });
    relative.submit("demo.narrate").catch(() => {});
    expect((await world.request()).headers.has("X-CSRFToken")).toBe(false);
  });

  test("is missing in a frame that has no cookies, and the request goes on", async () => {
    page("");
    vi.stubGlobal("document", {
      baseURI: "https://example.org/page/",
      get cookie(): string {
        throw new DOMException("sandboxed", "SecurityError");
      },
    });
    jobs.submit("demo.narrate");
    expect((await world.request()).headers.has("X-CSRFToken")).toBe(false);
  });

  test("goes along with what changes something, and not with what only reads", async () => {
    page("csrftoken=secret");
    jobs.get(ID);
    jobs.cancel(ID);
    await settle();
    expect(world.requests.map(({ headers }) => headers.get("X-CSRFToken"))).toEqual([null, "secret"]);
  });
});
