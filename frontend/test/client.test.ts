import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Api } from "../src/api.ts";
import { connect, Jobs } from "../src/client.ts";
import type { TokenSource } from "../src/source.ts";
import { settle, World } from "./environment.ts";
import { FakeSource } from "./fake-source.ts";
import { document, ID } from "./jobs.ts";

const URL = "https://example.org/jobs";

let world: World;
let source: FakeSource;
let jobs: Jobs;

// Once it was loaded, to load it takes no time.
beforeAll(async () => void (await import("../src/following.ts")));

beforeEach(() => {
  world = new World();
  source = new FakeSource();
  jobs = client();
});

function client(token?: TokenSource): Jobs {
  return new Jobs(new Api({ url: URL, token, environment: world.environment }), source);
}

/** Submit a job, which is accepted with a token. */
async function submitted() {
  const job = jobs.submit("demo.narrate");
  (await world.request()).answer(202, document({ token: "job's", cursor: "c0" }));
  return job;
}

describe("to subscribe", () => {
  test("to a document begins at its cursor, by its token", async () => {
    const job = document({ token: "t", cursor: "c0" });
    const subscription = jobs.subscribe(job);
    expect(subscription.id).toBe(ID);
    expect(source.last).toMatchObject({
      channel: `job:${ID}`,
      start: { token: "t", cursor: "c0", document: job },
    });
  });

  test("to a job's channel begins with a snapshot, by the token of its submission", async () => {
    await submitted();
    jobs.subscribe(`job:${ID}`);
    expect(source.last.start).toEqual({ token: "job's", cursor: undefined });
  });

  test("begins where one says, and by what right", () => {
    jobs.subscribe(document({ token: "t", cursor: "c0" }), { token: "mine", cursor: "earliest" });
    expect(source.last.start).toEqual({ token: "mine", cursor: "earliest" });
    source.last.stopped = true;
    jobs.subscribe(document({ cursor: "c0" }), { cursor: null });
    expect(source.last.start).toEqual({ token: undefined, cursor: null });
  });

  test("to what has ended, from another cursor, follows it", () => {
    jobs.subscribe(document({ status: "succeeded", attempt: 1 }), { cursor: "earliest" });
    expect(source.live.length).toBe(1);
  });

  test("to all of one's jobs, or those with a tag", () => {
    const mine = jobs.subscribe("user:me", { cursor: "c0" });
    const tagged = jobs.subscribe("tag:batch-7", { token: "t" });
    expect(source.follows.map(({ channel, start }) => [channel, start.cursor, start.token])).toEqual([
      ["user:me", "c0", undefined],
      ["tag:batch-7", undefined, "t"],
    ]);
    expect([mine.state.get().size, tagged.channel]).toEqual([0, "tag:batch-7"]);
  });

  test.each(["", "user:you", "jobs", "job:", "job:a/../b", ID])("to %j is an error", (channel) => {
    expect(() => jobs.subscribe(channel as "user:me")).toThrow(TypeError);
    expect(source.follows).toEqual([]);
  });
});

describe("to read", () => {
  test("a job asks for its document", async () => {
    const job = jobs.get(ID);
    const request = await world.request();
    expect([request.method, request.url.href, request.init.credentials]).toEqual([
      "GET",
      `${URL}/${ID}`,
      "same-origin",
    ]);
    expect(request.headers.get("Accept")).toBe("application/json");
    expect(request.headers.has("X-Job-Authorization")).toBe(false);
    request.answer(202, document());
    expect(await job).toEqual(document());
  });

  test("a job shows its own token, or else the client's", async () => {
    jobs = client("client's");
    await submitted();
    jobs.get(`job:${ID}`);
    jobs.get(document({ token: "document's" }));
    jobs.get("other");
    await settle();
    const shown = world.requests.slice(1).map(({ headers }) => headers.get("X-Job-Authorization"));
    expect(shown).toEqual(["Bearer job's", "Bearer document's", "Bearer client's"]);
  });

  test("lists sends the filter that was given", async () => {
    const page = jobs.list({ status: "running", tag: "a b&c", limit: 5, name: undefined });
    const request = await world.request();
    expect(request.url.search).toBe("?status=running&tag=a+b%26c&limit=5");
    request.answer(200, { jobs: [document()], next: null });
    expect(await page).toEqual({ jobs: [document()], next: null });
  });

  test("what is not there is an error that says so", async () => {
    const job = jobs.get(ID);
    (await world.request()).refuse(404, "not-found");
    await expect(job).rejects.toMatchObject({ name: "PushjobsError", code: "not-found", status: 404 });
    expect(world.requests.length).toBe(1);
  });

  test("what answers with no JSON is an error, not a job", async () => {
    const job = jobs.get(ID);
    (await world.request()).answer(200, "<h1>Log in to the network</h1>", { "Content-Type": "text/html" });
    await expect(job).rejects.toMatchObject({ code: "bad-answer", status: 200 });
  });

  test("can be aborted", async () => {
    const aborter = new AbortController();
    const job = jobs.get(ID, { signal: aborter.signal });
    const request = await world.request();
    aborter.abort(new Error("enough"));
    await expect(job).rejects.toThrow("enough");
    expect(request.aborted).toBe(true);
  });
});

describe("to cancel", () => {
  test("asks for it by the job's token, though its page goes away", async () => {
    await submitted();
    const cancelled = jobs.cancel(ID);
    const request = await world.request();
    expect([request.method, request.url.pathname]).toEqual(["POST", `/jobs/${ID}/cancel`]);
    expect(request.init.keepalive).toBe(true);
    expect(request.headers.get("X-Job-Authorization")).toBe("Bearer job's");
    request.answer(202, document({ status: "running" }));
    expect((await cancelled).status).toBe("running");
  });

  test("what has ended is refused", async () => {
    const cancelled = jobs.cancel(ID);
    (await world.request()).refuse(409, "conflict");
    await expect(cancelled).rejects.toMatchObject({ code: "conflict" });
  });
});

describe("to retry", () => {
  test("gives a new job, whose token is known from then on", async () => {
    const again = jobs.retry(ID);
    const request = await world.request();
    expect([request.method, request.url.pathname]).toEqual(["POST", `/jobs/${ID}/retry`]);
    request.answer(202, document({ id: "new", token: "new's" }));
    expect((await again).id).toBe("new");
    jobs.subscribe("job:new");
    expect(source.last.start.token).toBe("new's");
  });

  test("is not done twice, where it is not known whether it was done", async () => {
    const refused = expect(jobs.retry(ID)).rejects.toMatchObject({ code: "no-answer", status: 0 });
    await (await world.request()).cut();
    await refused;
    expect(world.left.timers).toBe(0);
  });
});

describe("a token that is asked for", () => {
  test("is kept until it is refused", async () => {
    const ask = vi.fn(() => `t${ask.mock.calls.length}`);
    jobs = client(ask);
    world.onRequest = (request) => request.answer(200, document());
    await jobs.get(ID);
    await jobs.get(ID);
    expect(ask).toHaveBeenCalledTimes(1);
    world.onRequest = (request) => {
      if (request.headers.get("X-Job-Authorization") === "Bearer t1") request.refuse(401, "unauthorized");
      else request.answer(200, document());
    };
    await Promise.all([jobs.get(ID), jobs.get(ID)]);
    await jobs.get(ID);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test("is asked for once more where it is refused, and then it is an error", async () => {
    let count = 0;
    jobs = client(() => `t${++count}`);
    world.onRequest = (request) => request.refuse(401, "unauthorized");
    await expect(jobs.get(ID)).rejects.toMatchObject({ code: "unauthorized" });
    expect(world.requests.map(({ headers }) => headers.get("X-Job-Authorization"))).toEqual([
      "Bearer t1",
      "Bearer t2",
    ]);
  });

  test("that cannot be had rejects as its source does", async () => {
    jobs = client(() => Promise.reject(new Error("logged out")));
    await expect(jobs.get(ID)).rejects.toThrow("logged out");
    expect(world.requests).toEqual([]);
  });
});

describe("a client", () => {
  test("sends nothing before it is used", async () => {
    const { connection } = connect({ url: URL, environment: world.environment });
    expect(connection.get().status).toBe("idle");
    expect(await world.unseen()).toEqual({ requests: 0, sockets: 0 });
  });

  test("follows over its own connection, and lets go of it when it is closed", async () => {
    const own = connect({ url: `${URL}/`, environment: world.environment, transports: ["websocket"] });
    own.subscribe(`job:${ID}`, { token: "t" });
    const socket = await world.socket();
    expect(new globalThis.URL(socket.url, URL).pathname).toBe("/jobs/socket");
    await socket.welcome();
    await world.pass(0);
    expect(socket.sent).toContainEqual({ type: "subscribe", channel: `job:${ID}`, token: "t" });
    own.close();
    expect(own.connection.get().status).toBe("closed");
    expect(world.left).toEqual({ timers: 0, listeners: 0, requests: 0, sockets: 0 });
  });

  test("that is closed lets nobody wait for what it followed", async () => {
    const job = jobs.subscribe(`job:${ID}`);
    const mine = jobs.subscribe("user:me");
    const next = mine[Symbol.asyncIterator]().next();
    const result = expect(job.result()).rejects.toMatchObject({ name: "AbortError" });
    jobs.close();
    await expect(next).resolves.toEqual({ done: true, value: undefined });
    await expect(mine.done).resolves.toBeUndefined();
    await result;
  });

  test("that may only poll begins with long-polling", async () => {
    const own = connect({ url: URL, environment: world.environment, transports: ["polling"] });
    own.subscribe("user:me", { cursor: "c0" });
    await settle();
    await world.pass(0);
    const request = await world.request();
    expect(request.url.pathname).toBe("/jobs/events");
    expect(request.headers.get("Accept")).toBe("application/json");
    expect(own.connection.get().transport).toBe("long-polling");
    own.close();
  });

  test("sends the headers that it was given, asked for each time", async () => {
    let count = 0;
    const headers = () => ({ "X-Tenant": `${++count}` });
    const own = connect({ url: URL, environment: world.environment, headers, credentials: "include" });
    own.get(ID);
    own.get(ID);
    await settle();
    expect(world.requests.map((request) => request.headers.get("X-Tenant"))).toEqual(["1", "2"]);
    expect(world.requests[0]?.init.credentials).toBe("include");
  });
});
