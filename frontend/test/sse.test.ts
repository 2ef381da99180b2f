import { expect, test } from "vitest";
import type { Channel } from "../src/wire.ts";
import { settle } from "./environment.ts";
import { block, expectNothingLeft, JOB, OTHER, output, page, stage, succeeded } from "./following.ts";

const only = () => stage({ transports: ["sse"] });
const path = ({ url }: { url: URL }) => decodeURIComponent(url.pathname + url.search);

test("one job's stream is that of the job, from the cursor, by a token in a header", async () => {
  const { world, follow } = only();
  const one = follow(JOB, { cursor: "c1", token: "t" });
  await world.pass(0);
  const request = await world.request();
  expect(path(request)).toBe(`/jobs/${JOB.slice(4)}/events?cursor=c1`);
  expect(request.headers.get("X-Job-Authorization")).toBe("Bearer t");
  expect(request.headers.get("Accept")).toBe("text/event-stream");
  request.stream();
  await request.send(block(output(JOB, "a"), "c2") + block(succeeded(JOB), "c3"));
  expect([one.told, one.cursors]).toEqual([
    ["a", "job.succeeded", "ended"],
    ["c2", "c3"],
  ]);
});

test("those by token and those by session go apart, and many tokens go into the URL", async () => {
  const { world, follow } = only();
  follow(JOB, { token: "t1", cursor: "c1" });
  follow("user:me");
  follow(OTHER, { token: "t2" });
  follow("tag:a b", { token: "t1", cursor: "earliest" });
  await world.pass(0);
  const [tokens, session] = [await world.request(), await world.request()];
  expect(path(tokens)).toBe(
    `/jobs/events?channel=${JOB}&channel=${OTHER}&channel=tag:a+b&cursor=c1~-~earliest&token=t1&token=t2`,
  );
  expect(tokens.headers.has("X-Job-Authorization")).toBe(false);
  expect(path(session)).toBe("/jobs/events?channel=user:me");
  expect(await world.unseen()).toEqual({ requests: 0, sockets: 0 });
});

test("no URL is longer than proxies take", async () => {
  const { world, follow } = only();
  for (let place = 0; place < 40; place++)
    follow(`job:${crypto.randomUUID()}`, { token: "t".repeat(300) + place });
  await world.pass(0);
  expect(world.requests).toHaveLength(3);
  expect(Math.max(...world.requests.map(({ url }) => url.href.length))).toBeLessThan(8_000);
});

test("each channel of many has its own cursor, and is told of its own events", async () => {
  const { world, follow } = only();
  const [one, other] = [follow(JOB), follow("user:me")];
  await world.pass(0);
  const request = (await world.request()).stream();
  await request.send(block(output("user:me", "u"), null) + block(output(JOB, "j"), "c1~-"));
  await request.send(`${block(output("user:me", "v"), "c1~u1")}id: c1~u2\n\n`);
  expect([one.told, one.cursors]).toEqual([["j"], ["c1"]]);
  expect([other.told, other.cursors]).toEqual([
    ["u", "v"],
    [null, "u1", "u2"],
  ]);
});

test("a channel that comes opens the stream anew from where the others are; one that goes does not", async () => {
  const { world, follow } = only();
  const one = follow(JOB);
  await world.pass(0);
  const first = (await world.request()).stream();
  await first.send(block(output(JOB, "a"), "c1"));
  const other = follow(OTHER);
  follow("user:me").stop();
  await world.pass(0);
  expect(first.aborted || first.done).toBe(true);
  const second = (await world.request()).stream();
  expect(path(second)).toBe(`/jobs/events?channel=${JOB}&channel=${OTHER}&cursor=c1~-`);
  await second.send(block(output(JOB, "b"), "c2~-"));
  other.stop();
  await second.send(block(output(JOB, "c"), "c3~-") + block(output(OTHER, "x"), "c3~d1"));
  await world.pass(1_000);
  expect(await world.unseen()).toEqual({ requests: 0, sockets: 0 });
  expect([one.told, other.told]).toEqual([["a", "b", "c"], []]);
});

test("the end of a stream is the end of no job: it goes on after the time that the server names", async () => {
  const { world, connection, follow } = only();
  const one = follow(JOB);
  await world.pass(0);
  const first = (await world.request()).stream();
  await first.send(`retry: 1234\n\n${block(output(JOB, "a"), "c1")}`);
  await first.end();
  expect(connection.state.get()).toMatchObject({
    status: "waiting",
    retryAt: world.now + 1_234,
    error: null,
  });
  await world.pass(1_234);
  expect(path(await world.request())).toContain("cursor=c1");
  expect(one.told).toEqual(["a"]);
});

test("204 is the end, of all that were asked for", async () => {
  const { world, follow } = only();
  const both = [follow(JOB, { cursor: "c9" }), follow(OTHER, { cursor: "d9" })];
  await world.pass(0);
  (await world.request()).answer(204);
  await settle();
  expect(both.map(({ told }) => told)).toEqual([["ended"], ["ended"]]);
});

test("a job that was over before is found, though a stream of many does not tell", async () => {
  const { world, follow } = only();
  const [over, silent, lively] = [
    follow(JOB, { cursor: "c9" }),
    follow(OTHER, { cursor: "d1" }),
    follow("user:me"),
  ];
  await world.pass(0);
  const stream = (await world.request()).stream();
  await stream.send(block(output("user:me", "a"), "c9~d1~u1"));
  await world.pass(15_000);
  const alone = await world.request();
  expect([path(alone), alone.headers.get("Accept")]).toEqual([
    `/jobs/${JOB.slice(4)}/events?cursor=c9`,
    "application/json",
  ]);
  alone.answer(200, page([], { ended: true, cursor: "c9" }));
  (await world.request()).answer(
    200,
    page([[output(OTHER, "comes by the stream too"), "d2"]], { cursor: "d2" }),
  );
  await settle();
  expect([over.told, silent.told, lively.told]).toEqual([["ended"], [], ["a"]]);
});

test("a stream of many that is refused is looked into: who is at fault has failed, the others go on", async () => {
  const { world, follow } = only();
  const tokens = ["expired", "fresh"];
  const [gone, expired, fine] = [
    follow(JOB),
    follow(OTHER, { token: () => tokens.shift() ?? "" }),
    follow("user:me", { cursor: "u1" }),
  ];
  world.onRequest = (request) => {
    const { url, headers } = request;
    const token = headers.get("X-Job-Authorization");
    if (url.pathname.includes(JOB.slice(4)) || url.search.includes(encodeURIComponent(JOB)))
      request.refuse(404, "not-found");
    else if (token === "Bearer expired") request.refuse(401, "unauthorized");
    else if (headers.get("Accept") === "application/json")
      request.answer(200, page([[output("user:me", "p"), "u2"]]));
    else request.stream();
  };
  await world.pass(0);
  await world.pass(0);
  const streams = world.requests.filter(({ done }) => !done);
  expect(streams.map(path)).toEqual([
    `/jobs/${OTHER.slice(4)}/events`,
    "/jobs/events?channel=user:me&cursor=u2",
  ]);
  expect([gone.told, expired.told, fine.told]).toEqual([["failed: not-found"], [], ["p"]]);
});

test("where many are refused and none is at fault, it waits", async () => {
  const { world, follow, connection } = only();
  for (const channel of [JOB, OTHER] satisfies Channel[]) follow(channel);
  world.onRequest = (request) => {
    if (request.url.search.includes("channel")) request.refuse(400, "bad-request");
    else request.answer(200, page([], { cursor: "c1" }));
  };
  await world.pass(0);
  expect(world.requests).toHaveLength(3);
  expect(connection.state.get()).toMatchObject({ status: "waiting", error: { code: "bad-request" } });
});

test("nothing heard for two heartbeats and a while: it begins anew", async () => {
  const { world, follow, statuses, connection } = only();
  follow(JOB);
  await world.pass(0);
  const first = (await world.request()).stream();
  await first.send(":\n\n");
  await world.pass(34_000);
  await first.send(":\n\n");
  await world.pass(34_999);
  expect(statuses.at(-1)).toBe("open");
  await world.pass(1);
  expect([statuses.at(-1), first.done]).toEqual(["waiting", true]);
  connection.close();
  expectNothingLeft(world);
});

test("a captive portal's page is no stream", async () => {
  const { world, follow, connection } = only();
  follow(JOB);
  await world.pass(0);
  (await world.request()).answer(200, "<h1>Log in</h1>", { "Content-Type": "text/html" });
  await settle();
  expect(connection.state.get().status).toBe("waiting");
});

test("a stream that its token's end has cut goes on by another one", async () => {
  const { world, follow } = only();
  const tokens = ["old", "new"];
  const one = follow(JOB, { token: () => tokens.shift() ?? "" });
  await world.pass(0);
  const first = (await world.request()).stream();
  await first.send(block(output(JOB, "a"), "c1"));
  await first.end();
  await world.pass(500);
  (await world.request()).refuse(401, "unauthorized");
  await world.pass(0);
  const second = (await world.request()).stream();
  expect([path(second), second.headers.get("X-Job-Authorization")]).toEqual([
    `/jobs/${JOB.slice(4)}/events?cursor=c1`,
    "Bearer new",
  ]);
  expect(one.told).toEqual(["a"]);
});
