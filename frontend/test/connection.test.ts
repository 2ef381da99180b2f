import { expect, test } from "vitest";
import { World } from "./environment.ts";
import {
  block,
  expectNothingLeft,
  frame,
  JOB,
  output,
  page,
  stage,
  subscribed,
  succeeded,
} from "./following.ts";

test("idle until something is followed, open once something was heard, idle again after a while", async () => {
  const { world, connection, follow, statuses } = stage();
  expectNothingLeft(world);
  const one = follow(JOB);
  const socket = await world.socket();
  socket.accept();
  expect(statuses).toEqual(["idle", "connecting"]);
  await socket.welcome();
  expect(connection.state.get()).toMatchObject({ status: "open", transport: "websocket", error: null });
  one.stop();
  await world.pass(4_999);
  expect(statuses.at(-1)).toBe("open");
  await world.pass(1);
  expect(statuses).toEqual(["idle", "connecting", "open", "idle"]);
  expect(connection.state.get().transport).toBeNull();
  expectNothingLeft(world);
});

test("what is followed within the grace takes the connection that is there, and keeps it", async () => {
  const { world, follow } = stage();
  follow(JOB).stop();
  const socket = await world.socket();
  await socket.welcome();
  await world.pass(3_000);
  follow("user:me");
  await world.pass(10_000);
  expect([socket.closed, await world.unseen()]).toEqual([false, { requests: 0, sockets: 0 }]);
});

test("the job's end closes the connection too, and a later job opens another", async () => {
  const { world, follow, statuses } = stage();
  follow(JOB);
  const socket = await world.socket();
  await socket.welcome();
  await world.pass(0);
  await socket.say(subscribed(JOB), frame(succeeded(JOB), "c1"), { type: "unsubscribed", channel: JOB });
  await world.pass(5_000);
  expect([statuses.at(-1), socket.closed]).toEqual(["idle", true]);
  follow("user:me");
  await (await world.socket()).welcome();
  expect(statuses.at(-1)).toBe("open");
});

test("a channel is taken once, and none after the close", () => {
  const { connection, follow } = stage();
  follow(JOB);
  expect(() => follow(JOB)).toThrow("followed already");
  connection.close();
  expect(connection.state.get().status).toBe("closed");
  expect(() => follow(JOB)).toThrow("closed");
});

test("the channel that is one too many fails, and no other", async () => {
  const { world, follow } = stage();
  const all = Array.from({ length: 101 }, (_, place) => follow(`tag:${place}`));
  await (await world.socket()).welcome();
  expect(all.filter(({ error }) => error)).toHaveLength(1);
  expect(all[100]?.error).toMatchObject({ code: "limit-exceeded", status: 429 });
});

test("where none of the transports works it says so", async () => {
  const world = new World({ socket: undefined });
  const { follow, connection } = stage({ transports: ["websocket"] }, world);
  const one = follow(JOB);
  await world.pass(0);
  expect([one.told, connection.state.get().status]).toEqual([["failed: no-transport"], "refused"]);
  expectNothingLeft(world);
});

test("refused, all fail; who comes later has it tried anew", async () => {
  const { world, follow, connection } = stage();
  const one = follow(JOB);
  const socket = await world.socket();
  await socket.welcome();
  await socket.drop(3502);
  expect(one.told).toEqual(["failed: closed-3502"]);
  expect(connection.state.get()).toMatchObject({ status: "refused", error: { code: "closed-3502" } });
  expectNothingLeft(world);
  follow(JOB);
  await (await world.socket()).welcome();
  expect(connection.state.get()).toMatchObject({ status: "open", error: null });
});

test("offline it waits for the network, and takes it at once", async () => {
  const { world, follow, statuses, connection } = stage();
  follow(JOB);
  const first = await world.socket();
  await first.welcome();
  await world.goOffline();
  expect(statuses.at(-1)).toBe("offline");
  await world.pass(5_000); // Nothing answers its ping.
  expect([first.closed, connection.state.get().status]).toEqual([true, "offline"]);
  for (let tries = 0; tries < 10; tries++) {
    await world.pass(20_000);
    for (const socket of world.sockets) await socket.drop();
  }
  expect(connection.state.get()).toMatchObject({ status: "offline", transport: "websocket" });
  const since = statuses.slice(statuses.indexOf("offline"));
  expect(new Set(since)).toEqual(new Set(["offline"])); // Tries are not told: they are no news.
  const before = world.sockets.length;
  await world.goOnline();
  expect([statuses.at(-1), world.sockets.length]).toEqual(["connecting", before + 1]);
});

test("where the browser is wrong about the network, who is heard is there", async () => {
  const { world, follow, statuses } = stage();
  follow(JOB);
  const socket = await world.socket();
  await socket.welcome();
  await world.goOffline();
  await socket.say({ type: "pong" });
  expect(statuses).toEqual(["idle", "connecting", "open", "offline", "open"]);
  await world.goOnline();
  expect([socket.closed, world.sockets.length]).toEqual([false, 1]);
});

test("a page that is seen again does not wait any longer, one that is hidden does", async () => {
  const { world, follow } = stage();
  follow(JOB);
  await (await world.socket()).drop();
  world.isVisible = false;
  await world.wake();
  expect(await world.unseen()).toEqual({ requests: 0, sockets: 0 });
  world.isVisible = true;
  await world.wake();
  await world.socket();
});

test("after a sleep it does not take the silence for service", async () => {
  const { world, follow, statuses } = stage();
  follow(JOB);
  const first = await world.socket();
  await first.welcome();
  await world.sleep(600_000);
  expect([first.closed, statuses.at(-1)]).toEqual([true, "waiting"]);
  await world.pass(500);
  await (await world.socket()).welcome();
  expect(statuses.at(-1)).toBe("open");
});

test("a socket that a short sleep has killed is noticed by its ping", async () => {
  const { world, follow, statuses } = stage();
  follow(JOB);
  const first = await world.socket();
  await first.welcome();
  await world.sleep(30_000);
  expect(statuses.at(-1)).toBe("open");
  await world.pass(5_000);
  expect([first.closed, statuses.at(-1)]).toEqual([true, "waiting"]);
});

test("two heartbeats missed: the socket counts as dead", async () => {
  const { world, follow, statuses } = stage();
  follow(JOB);
  const socket = await world.socket();
  await socket.welcome(10);
  await world.pass(24_999);
  expect(statuses.at(-1)).toBe("open");
  await world.pass(1);
  expect([socket.closed, statuses.at(-1)]).toEqual([true, "waiting"]);
});

const STATES: Record<string, (world: World) => Promise<unknown>> = {
  connecting: async (world) => world.socket(),
  open: async (world) => (await world.socket()).welcome(),
  waiting: async (world) => (await world.socket()).drop(),
  offline: async (world) => {
    world.isOnline = false;
    await (await world.socket()).drop();
  },
  "with a stream, while it tries a socket": async (world) => {
    await (await world.socket()).drop();
    await world.pass(500);
    await (await world.socket()).drop();
    await world.pass(0);
    for (const request of [await world.request(), await world.request()])
      await request.stream().send(":\n\n");
    await world.pass(30_000);
    expect(world.left).toMatchObject({ sockets: 1, requests: 2 });
  },
  "with a page that is held": async (world) => {
    world.memory.set("pushjobs:transport:https://example.org/jobs", "long-polling");
  },
};

test.each(Object.entries(STATES))("close leaves nothing behind: %s", async (name, reach) => {
  const world = new World();
  if (name.includes("held")) await reach(world);
  const { connection, follow } = stage({}, world);
  const recorders = [follow(JOB, { token: async () => "t" }), follow("user:me")];
  if (!name.includes("held")) await reach(world);
  else {
    await world.pass(0);
    for (const request of [await world.request(), await world.request()]) request.answer(200, page([]));
    await world.pass(100);
    expect(world.left.requests).toBe(2);
  }
  connection.close();
  await world.pass(0);
  expectNothingLeft(world);
  expect(connection.state.get()).toMatchObject({ status: "closed", transport: null });
  await world.pass(3_600_000);
  expectNothingLeft(world);
  expect(recorders.map(({ told }) => told)).toEqual([[], []]);
});

test("a callback that lets go, closes or follows in the midst of events is heeded at once", async () => {
  const { world, connection, follow } = stage();
  const one = follow("user:me");
  const event = one.event.bind(one);
  one.event = (told, cursor) => {
    event(told, cursor);
    if (cursor === "u2") connection.close();
  };
  const socket = await world.socket();
  await socket.welcome();
  await world.pass(0);
  await socket.say(subscribed("user:me"));
  const events = ["u1", "u2", "u3"].map((cursor) => frame(output("user:me", cursor), cursor));
  await socket.say(...events);
  expect(one.told).toEqual(["u1", "u2"]);
  expectNothingLeft(world);
});

test("of a page, too, nothing is told after a close", async () => {
  const { world, connection, follow } = stage({ transports: ["sse"] });
  const one = follow(JOB);
  const event = one.event.bind(one);
  one.event = (told, cursor) => {
    event(told, cursor);
    connection.close();
  };
  await world.pass(0);
  const request = (await world.request()).stream();
  await request.send(block(output(JOB, "a"), "c1") + block(output(JOB, "b"), "c2"));
  expect(one.told).toEqual(["a"]);
  expectNothingLeft(world);
});
