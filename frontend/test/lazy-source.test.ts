import { beforeEach, expect, test } from "vitest";
import { LazySource } from "../src/lazy-source.ts";
import type { Source } from "../src/source.ts";
import { settle, World } from "./environment.ts";
import { Ear, FakeSource } from "./fake-source.ts";

const CHANNEL = "job:a";

let world: World;
let source: FakeSource;
let loads: { done: (source: Source) => void; fail: (reason: unknown) => void }[];
let lazy: LazySource;

beforeEach(() => {
  world = new World();
  source = new FakeSource();
  loads = [];
  const load = () => new Promise<Source>((done, fail) => void loads.push({ done, fail }));
  lazy = new LazySource(load, world.environment);
});

async function loaded(): Promise<void> {
  loads.at(-1)?.done(source);
  await settle();
}

test("loads when something is followed, and once", async () => {
  expect(loads).toHaveLength(0);
  lazy.follow(CHANNEL, {}, new Ear());
  lazy.follow("job:b", {}, new Ear());
  expect(lazy.state.get().status).toBe("connecting");
  await loaded();
  lazy.follow("job:c", {}, new Ear());
  expect(loads).toHaveLength(1);
  expect(source.live.map(({ channel }) => channel)).toEqual([CHANNEL, "job:b", "job:c"]);
});

test("hands on where to begin, and who is to be told", async () => {
  const ear = new Ear();
  lazy.follow(CHANNEL, { token: "t", cursor: "c0" }, ear);
  await loaded();
  expect(source.last.start).toEqual({ token: "t", cursor: "c0" });
  source.last.moved("c1");
  expect(ear.heard).toEqual(["moved c1"]);
});

test("tells how the connection is", async () => {
  lazy.follow(CHANNEL, {}, new Ear());
  await loaded();
  source.state.set({ ...source.state.get(), status: "open", transport: "sse" });
  expect(lazy.state.get()).toMatchObject({ status: "open", transport: "sse" });
});

test("does not follow what was let go before it was loaded, and lets go of it afterwards", async () => {
  const stops = [lazy.follow(CHANNEL, {}, new Ear()), lazy.follow("job:b", {}, new Ear())];
  stops[0]?.();
  await loaded();
  expect(source.live.map(({ channel }) => channel)).toEqual(["job:b"]);
  stops[1]?.();
  expect(source.live).toEqual([]);
});

test("loads again where it could not, after a while, and tells no follower of it", async () => {
  const ear = new Ear();
  lazy.follow(CHANNEL, {}, ear);
  loads[0]?.fail(new TypeError("Failed to fetch"));
  await settle();
  const { status, retryAt, error } = lazy.state.get();
  expect([status, error?.code]).toEqual(["waiting", "no-answer"]);
  await world.pass((retryAt ?? 0) - world.environment.now());
  expect(loads).toHaveLength(2);
  await loaded();
  expect(source.last.channel).toBe(CHANNEL);
  expect(ear.heard).toEqual([]);
  expect(world.left).toMatchObject({ timers: 0, listeners: 0 });
});

test("loads again at once when the network comes back", async () => {
  lazy.follow(CHANNEL, {}, new Ear());
  loads[0]?.fail(new TypeError("Failed to fetch"));
  await settle();
  world.wake();
  await settle();
  expect(loads).toHaveLength(2);
});

test("leaves nothing behind when it is closed, whenever that is", async () => {
  lazy.follow(CHANNEL, {}, new Ear());
  loads[0]?.fail(new TypeError("Failed to fetch"));
  await settle();
  lazy.close();
  await settle();
  expect(lazy.state.get().status).toBe("closed");
  expect(world.left).toMatchObject({ timers: 0, listeners: 0 });
  expect(() => lazy.follow(CHANNEL, {}, new Ear())).toThrow("closed");
});

test("follows nothing when it is closed while it loads", async () => {
  lazy.follow(CHANNEL, {}, new Ear());
  lazy.close();
  await loaded();
  expect(source.follows).toEqual([]);
  expect(lazy.state.get().status).toBe("closed");
});

test("closes what it has loaded", async () => {
  lazy.follow(CHANNEL, {}, new Ear());
  await loaded();
  lazy.close();
  expect(source.closed).toBe(true);
});
