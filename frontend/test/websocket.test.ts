import { expect, test } from "vitest";
import type { Channel } from "../src/wire.ts";
import { type FakeSocket, settle } from "./environment.ts";
import { frame, JOB, jwt, OTHER, output, stage, subscribed, succeeded } from "./following.ts";

/** A connection by WebSocket, welcomed. */
async function socketed(...channels: Channel[]) {
  const here = stage({ transports: ["websocket"] });
  const recorders = channels.map((channel) => here.follow(channel));
  const socket = await here.world.socket();
  await socket.welcome();
  await here.world.pass(0);
  return { ...here, recorders, socket };
}

/** What the client has asked of channels since it was asked the last time. */
function asked(socket: FakeSocket): string[] {
  return socket.frames().flatMap((sent) => ("channel" in sent ? `${sent.type} ${sent.channel}` : []));
}

test("channels that come and go in one go ask for nothing", async () => {
  const { follow, world, socket } = await socketed("user:me");
  expect(asked(socket)).toEqual(["subscribe user:me"]);
  follow(JOB).stop();
  await world.pass(1_000);
  expect(asked(socket)).toEqual([]);
});

test("its address is that of the API, by ws", async () => {
  const { socket } = await socketed("user:me");
  expect(socket.url).toBe("wss://example.org/jobs/socket");
});

test("what comes late for a channel that was let go is of the past", async () => {
  const { follow, world, socket } = await socketed("user:me");
  const first = follow(JOB);
  await world.pass(0);
  await socket.say(subscribed(JOB, "c1"));
  first.stop();
  await world.pass(0);
  const second = follow(JOB, { cursor: "c1" });
  await world.pass(1_000);
  expect(asked(socket)).toEqual(["subscribe user:me", `subscribe ${JOB}`, `unsubscribe ${JOB}`]);
  await socket.say(frame(output(JOB, "late"), "c2"));
  await socket.say({ type: "unsubscribed", channel: JOB });
  await world.pass(0);
  expect(asked(socket)).toEqual([`subscribe ${JOB}`]);
  await socket.say(frame(output(JOB, "later"), "c3"));
  // As when the server had ended the first by itself just before.
  await socket.say({ type: "unsubscribed", channel: JOB });
  await socket.say(subscribed(JOB, "c1"), frame(output(JOB, "now"), "c2"));
  expect(first.told).toEqual([]);
  expect(second.told).toEqual(["now"]);
});

test("who follows a job again right after its end is not taken for the one before", async () => {
  const { follow, recorders, world, socket } = await socketed(JOB);
  await socket.say(subscribed(JOB), frame(succeeded(JOB), "c1"));
  expect(recorders[0]?.told).toEqual(["job.succeeded", "ended"]);
  const second = follow(JOB);
  await world.pass(0);
  await socket.say({ type: "unsubscribed", channel: JOB });
  await world.pass(0);
  expect(second.told).toEqual([]);
  expect(asked(socket)).toEqual([`subscribe ${JOB}`, `subscribe ${JOB}`]);
});

test("a subscription that the server ends without an event is over", async () => {
  const { recorders, socket } = await socketed(JOB);
  await socket.say(subscribed(JOB, "c9"), { type: "unsubscribed", channel: JOB });
  expect(recorders[0]?.told).toEqual(["ended"]);
});

test("an event without a cursor moves none: the next connection begins where it was", async () => {
  const { world, socket } = await socketed("user:me");
  await socket.say(subscribed("user:me", "c1"), frame(output("user:me", "a"), null));
  await socket.drop();
  await world.pass(1_000);
  const next = await world.socket();
  await next.welcome();
  await world.pass(0);
  expect(next.frames()).toContainEqual({ type: "subscribe", channel: "user:me", cursor: "c1" });
});

test("a cursor that the server does not take is dropped, once", async () => {
  const here = stage({ transports: ["websocket"] });
  const one = here.follow(JOB, { cursor: "garbage" });
  const socket = await here.world.socket();
  await socket.welcome();
  await here.world.pass(0);
  await socket.say({ type: "error", code: "invalid_cursor", detail: "", channel: JOB });
  await here.world.pass(0);
  expect(socket.frames().slice(1)).toEqual([
    { type: "subscribe", channel: JOB, cursor: "garbage" },
    { type: "subscribe", channel: JOB },
  ]);
  await socket.say({ type: "error", code: "invalid_cursor", detail: "", channel: JOB });
  expect(one.told).toEqual(["failed: invalid-cursor"]);
});

test("a refused token is renewed once; refused again, the channel has failed", async () => {
  const here = stage({ transports: ["websocket"] });
  const tokens = ["old", "new", "unused"];
  const one = here.follow(JOB, { token: () => tokens.shift() ?? "" });
  const socket = await here.world.socket();
  await socket.welcome();
  await here.world.pass(0);
  await socket.say({ type: "error", code: "unauthorized", detail: "", channel: JOB });
  await here.world.pass(0);
  expect(socket.frames().slice(1)).toEqual([
    { type: "subscribe", channel: JOB, token: "old" },
    { type: "subscribe", channel: JOB, token: "new" },
  ]);
  await socket.say({ type: "error", code: "unauthorized", detail: "no", channel: JOB });
  expect(one.told).toEqual(["failed: unauthorized"]);
  expect(one.error?.status).toBe(401);
  expect(tokens).toEqual(["unused"]);
});

test("who asks again once a session was refused asks on a connection of the session that there is now", async () => {
  const here = stage({ transports: ["websocket"] });
  const { world } = here;
  const one = here.follow("user:me");
  const socket = await world.socket();
  await socket.welcome();
  await world.pass(0);
  await socket.say({ type: "error", code: "unauthorized", detail: "", channel: "user:me" });
  await world.pass(0);
  expect(one.told).toEqual(["failed: unauthorized"]);
  expect(socket.closed).toBe(false); // Channels with tokens may go on.
  here.follow("user:me");
  await world.pass(1_000);
  expect(socket.closed).toBe(true);
  const other = await world.socket();
  await other.welcome();
  await world.pass(0);
  expect(other.frames().slice(1)).toEqual([{ type: "subscribe", channel: "user:me" }]);
});

test("a token that was renewed long ago may be refused again: the server was away in between", async () => {
  const here = stage({ transports: ["websocket"] });
  const tokens = ["old", "new", "newer"];
  const one = here.follow(JOB, { token: () => tokens.shift() ?? "" });
  const socket = await here.world.socket();
  await socket.welcome();
  await here.world.pass(0);
  await socket.say({ type: "error", code: "unauthorized", detail: "", channel: JOB });
  await here.world.pass(0);
  await socket.drop();
  await here.world.sleep(3_600_000);
  await here.world.pass(1_000);
  const other = await here.world.socket();
  await other.welcome();
  await here.world.pass(0);
  await other.say({ type: "error", code: "unauthorized", detail: "", channel: JOB });
  await here.world.pass(0);
  expect(other.frames().slice(1)).toMatchObject([{ token: "new" }, { token: "newer" }]);
  expect(one.told).toEqual([]);
});

test("a token is renewed before it expires, and the channel goes on from its cursor", async () => {
  const here = stage({ transports: ["websocket"] });
  const { world } = here;
  let count = 0;
  const one = here.follow(JOB, { token: () => jwt(world.now + 90_000, `${++count}`) });
  const socket = await world.socket();
  await socket.welcome();
  await world.pass(0);
  await socket.say(subscribed(JOB), frame(output(JOB, "a"), "c1"));
  await world.pass(45_000);
  await socket.say({ type: "pong" });
  await world.pass(14_999);
  expect(asked(socket)).toEqual([`subscribe ${JOB}`]);
  await world.pass(1);
  expect(asked(socket)).toEqual([`unsubscribe ${JOB}`]);
  await socket.say({ type: "unsubscribed", channel: JOB });
  await world.pass(0);
  const [again] = socket.frames();
  expect(again).toMatchObject({ type: "subscribe", cursor: "c1", token: jwt(world.now + 90_000, "2") });
  expect([count, one.told]).toEqual([2, ["a"]]);
});

test("an error that passes is waited out, and only that channel's", async () => {
  const { recorders, world, socket } = await socketed(JOB, OTHER);
  await socket.say(subscribed(JOB, "c1"), subscribed(OTHER, "d1"));
  await socket.say({ type: "error", code: "stream_unavailable", detail: "", channel: JOB });
  socket.frames();
  await world.pass(499);
  expect(asked(socket)).toEqual([]);
  await world.pass(1);
  expect(asked(socket)).toEqual([`subscribe ${JOB}`]);
  expect(recorders.map(({ told }) => told)).toEqual([[], []]);
});

test("other errors fail their channel, and no other", async () => {
  const { recorders, socket } = await socketed(JOB, OTHER);
  await socket.say(subscribed(OTHER, "d1"));
  await socket.say({ type: "error", code: "limit_exceeded", detail: "too many", channel: JOB });
  await socket.say(frame(output(OTHER, "on"), "d2"));
  expect(recorders.map(({ told }) => told)).toEqual([["failed: limit-exceeded"], ["on"]]);
  expect(recorders[0]?.error?.message).toBe("too many");
});

test("an error that names no channel means that a frame was lost: it begins anew", async () => {
  const { connection, socket } = await socketed(JOB);
  await socket.say({ type: "error", code: "internal_error", detail: "try again" });
  expect(connection.state.get()).toMatchObject({ status: "waiting", error: { code: "internal-error" } });
});

test("a hundred channels are asked for within what the server takes", async () => {
  const channels = Array.from({ length: 100 }, (_, place): Channel => `tag:${place}`);
  const { world, socket } = await socketed(...channels);
  let left = 50;
  let count = 0;
  for (let quarter = 0; quarter < 12; quarter++) {
    const frames = socket.frames().length;
    count += frames;
    left = Math.min(50, left + (quarter && 12.5)) - frames;
    expect(left).toBeGreaterThanOrEqual(0);
    await world.pass(250);
  }
  expect(count).toBe(101); // And a ping.
});

test("the latency is that of a ping and its answer", async () => {
  const { connection, world, socket } = await socketed(JOB);
  await world.pass(40);
  await socket.say({ type: "pong" });
  expect(connection.state.get().latency).toBe(40);
  await world.pass(1_000);
  await socket.say({ type: "pong" }); // Unasked: the heartbeat.
  expect(connection.state.get().latency).toBe(40);
});

test("a token that cannot be got is asked for again, later", async () => {
  const here = stage({ transports: ["websocket"] });
  let fails = true;
  const token = async () => {
    if (fails) throw new TypeError("no network");
    return "t";
  };
  const one = here.follow(JOB, { token });
  await (await here.world.socket()).welcome();
  await here.world.pass(0);
  const { status, error } = here.connection.state.get();
  expect([status, error?.code]).toEqual(["waiting", "no-token"]);
  fails = false;
  await here.world.pass(1_000);
  const socket = await here.world.socket();
  await socket.welcome();
  await here.world.pass(0);
  await settle();
  expect(socket.frames()).toContainEqual({ type: "subscribe", channel: JOB, token: "t" });
  expect(one.told).toEqual([]);
});
