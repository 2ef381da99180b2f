import { expect, test } from "vitest";
import { settle, World } from "./environment.ts";
import { JOB, OTHER, output, page, stage, succeeded } from "./following.ts";

const only = (transport: "long-polling" | "polling", world = new World()) =>
  stage({ transports: [transport] }, world);

test("a long poll asks at once, then has the page held", async () => {
  const { world, follow, connection } = only("long-polling");
  const one = follow(JOB, { cursor: "c1" });
  await world.pass(0);
  const first = await world.request();
  expect([first.headers.get("Prefer"), first.headers.get("Accept")]).toEqual([null, "application/json"]);
  first.answer(200, page([], { cursor: "c1" }));
  await settle();
  expect(connection.state.get()).toMatchObject({ status: "open", transport: "long-polling" });
  await world.pass(100);
  const second = await world.request();
  expect(second.headers.get("Prefer")).toBe("wait=25");
  await world.pass(20_000);
  second.answer(200, page([[output(JOB, "a"), "c2"]]));
  await world.pass(100);
  const third = await world.request();
  expect(third.url.search).toBe("?cursor=c2");
  third.answer(200, page([[succeeded(JOB), "c3"]], { ended: true }));
  await settle();
  expect([one.told, one.cursors]).toEqual([
    ["a", "job.succeeded", "ended"],
    ["c2", "c3"],
  ]);
});

test("where there is more already, it asks at once", async () => {
  const { world, follow } = only("polling");
  follow(JOB);
  await world.pass(0);
  (await world.request()).answer(200, page([[output(JOB, "a"), "c1"]], { more: true }));
  expect((await world.request()).url.search).toBe("?cursor=c1");
});

test("plain polling asks every second while there are events, and less often where there are none", async () => {
  const { world, follow } = only("polling");
  follow("user:me");
  let events = 3;
  const asked: number[] = [];
  world.onRequest = (request) => {
    asked.push(world.now);
    expect(request.headers.has("Prefer")).toBe(false);
    request.answer(200, page(events-- > 0 ? [[output("user:me", "a"), `u${events}`]] : [], { cursor: "u" }));
  };
  await world.pass(40_000);
  const pauses = asked.slice(1).map((time, place) => time - (asked[place] ?? 0));
  expect(pauses).toEqual([1_000, 1_000, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
});

test("a server that does not hold pages makes no busy loop", async () => {
  const { world, follow } = only("long-polling");
  follow("user:me");
  world.onRequest = (request) => request.answer(200, page([], { cursor: "u1", more: true }));
  await world.pass(60_000);
  expect(world.requests.length).toBeLessThan(15);
});

test("a page that ends is the end of all that it is for; the end of one job is its own", async () => {
  const { world, follow } = only("polling");
  const both = [follow(JOB), follow(OTHER)];
  await world.pass(0);
  (await world.request()).answer(200, page([[succeeded(JOB), "c1~-"]], { cursor: "c1~d0" }));
  await settle();
  expect(both.map(({ told }) => told)).toEqual([["job.succeeded", "ended"], []]);
  await world.pass(1_000);
  const next = await world.request();
  expect([next.url.pathname, next.url.search]).toEqual([`/${OTHER.replace(":", "s/")}/events`, "?cursor=d0"]);
  next.answer(200, page([], { ended: true, cursor: "d0" }));
  await settle();
  expect(both[1]?.told).toEqual(["ended"]);
});

test("what is let go is not asked for again, be there more of it than a page takes", async () => {
  const { world, follow } = only("long-polling");
  const [one, two] = [follow(JOB, { cursor: "c0" }), follow("user:me", { cursor: "u0" })];
  await world.pass(0);
  const first = await world.request();
  expect(first.url.searchParams.getAll("channel")).toEqual([JOB, "user:me"]);
  one.stop();
  first.answer(200, page([[output(JOB, "a"), "c1~u0"]], { more: true }));
  await world.pass(0);
  const second = await world.request();
  expect([second.url.searchParams.getAll("channel"), second.url.searchParams.get("cursor")]).toEqual([
    ["user:me"],
    "u0",
  ]);
  expect([one.told, two.told]).toEqual([[], []]);
});

test.each([502, 504])(
  "a page that a proxy did not hold, with %i: pages are not held any more",
  async (status) => {
    const { world, follow, connection } = stage({ transports: ["long-polling", "polling"] });
    follow(JOB);
    await world.pass(0);
    (await world.request()).answer(200, page([], { cursor: "c1" }));
    await world.pass(100);
    (await world.request()).answer(status, "<h1>proxy</h1>", { "Content-Type": "text/html" });
    await world.pass(0);
    expect((await world.request()).headers.has("Prefer")).toBe(false);
    expect(connection.state.get().transport).toBe("polling");
  },
);

test("a page that is held too long is given up, and pages are not held any more", async () => {
  const { world, follow, connection } = stage({ transports: ["long-polling", "polling"] });
  follow(JOB);
  await world.pass(0);
  (await world.request()).answer(200, page([], { cursor: "c1" }));
  await world.pass(100);
  const held = await world.request();
  await world.pass(40_000);
  expect([held.aborted, connection.state.get().transport]).toEqual([true, "polling"]);
});

test("Retry-After is heeded, be it early or late, and coming back to the page does not shorten it", async () => {
  const { world, follow, connection } = only("polling");
  follow(JOB);
  await world.pass(0);
  (await world.request()).refuse(429, "limit-exceeded", { "Retry-After": "9" });
  await settle();
  expect(connection.state.get()).toMatchObject({ status: "waiting", retryAt: world.now + 9_000 });
  await world.wake();
  await world.pass(8_999);
  expect(await world.unseen()).toEqual({ requests: 0, sockets: 0 });
  await world.pass(1);
  await world.request();
});

test.each([
  [400, "bad-request"],
  [403, "forbidden"],
  [404, "not-found"],
  [410, "gone"],
])("%i %s fails the channel, once", async (status, slug) => {
  const { world, follow } = only("polling");
  const one = follow(JOB);
  await world.pass(0);
  (await world.request()).refuse(status, slug);
  await world.pass(60_000);
  expect([one.told, one.error?.status]).toEqual([[`failed: ${slug}`], status]);
  expect(await world.unseen()).toEqual({ requests: 0, sockets: 0 });
});

test("a cursor that is none is dropped", async () => {
  const { world, follow } = only("polling");
  const one = follow(JOB, { cursor: "garbage" });
  await world.pass(0);
  (await world.request()).refuse(400, "invalid-cursor");
  await world.pass(0);
  const next = await world.request();
  expect(next.url.search).toBe("");
  next.refuse(400, "invalid-cursor");
  await settle();
  expect(one.told).toEqual(["failed: invalid-cursor"]);
});
