import { expect, test } from "vitest";
import { Channels } from "../src/channels.ts";
import { Connection } from "../src/connection.ts";
import type { TokenSource, Transport } from "../src/source.ts";
import type { Channel } from "../src/wire.ts";
import { Checker } from "./model-follower.ts";
import { type Log, randomFrom } from "./model-log.ts";
import { type Fault, ModelServer } from "./model-server.ts";

const CHANNELS: readonly Channel[] = ["job:a", "job:b", "job:c", "job:d", "user:me"];
const SETS: readonly (readonly Transport[])[] = [
  ["websocket", "sse", "long-polling", "polling"],
  ["websocket"],
  ["sse"],
  ["long-polling", "polling"],
  ["sse", "long-polling", "polling"],
  ["polling"],
];

interface Following {
  readonly checker: Checker;
  readonly stop: () => void;
}

/** Follow, let things go wrong, let all be well again; what was told against the contract. */
async function run(seed: number): Promise<string[]> {
  const random = randomFrom(seed);
  const pick = <T>(all: readonly T[]): T => {
    const one = all[Math.floor(random() * all.length)];
    if (one === undefined) throw new Error("nothing to pick");
    return one;
  };
  const server = new ModelServer(random, CHANNELS);
  const { world } = server;
  const logs = [...server.logs.values()];
  const url = "https://example.org/jobs";
  const transports = pick(SETS);
  const rate = pick([0, 0.05, 0.3, 0.7]);
  const connection = new Connection({ url, environment: world.environment, transports });
  const source = new Channels(connection);
  const faults: readonly Fault[] = ["cut", "busy", "silent", "gateway"];
  server.fault = () => (random() < rate ? pick(faults) : "none");

  let healed = false;
  const tokens = new Map<Log, TokenSource>();
  for (const log of logs.slice(0, Math.floor(random() * 4))) {
    log.token = `${log.channel}-1`;
    tokens.set(log, async () => {
      if (!healed && random() < rate / 2) throw new Error("no token");
      if (random() < 0.3) await new Promise<void>((done) => world.environment.after(random() * 3_000, done));
      return log.token ?? "";
    });
  }

  const expired = new Map<Log, number>();
  const followings = new Set<Following>();
  const cursors: string[] = [];
  const all: Checker[] = [];
  const follow = (log: Log) => {
    const old = cursors.filter((cursor) => cursor.startsWith(`${log.channel.replace(":", "-")}.`));
    const cursor = old.length && random() < 0.4 ? pick(old) : random() < 0.3 ? "earliest" : null;
    const checker = new Checker(log, cursor);
    all.push(checker);
    const stop = source.follow(log.channel, { cursor, token: tokens.get(log) }, checker);
    const following = {
      checker,
      stop: () => {
        checker.over ??= "stopped";
        stop();
        if (checker.cursor && checker.cursor !== "earliest") cursors.push(checker.cursor);
        followings.delete(following);
      },
    };
    followings.add(following);
  };

  const acts: (() => unknown)[] = [
    () => follow(pick(logs)),
    () => follow(pick(logs)),
    () => followings.size && pick([...followings]).stop(),
    async () => {
      // Let go, and followed anew while the last words of before are still on the way.
      if (followings.size === 0) return;
      const following = pick([...followings]);
      following.stop();
      if (random() < 0.5) await world.pass(random() * 40);
      follow(following.checker.log);
    },
    () => server.kill(pick(["cut", "away"])),
    () => rate && server.kill("silent"),
    () => random() < 0.3 && pick(logs).lose(random() < 0.5),
    () => {
      const log = pick(logs);
      log.trimmed = Math.max(log.trimmed, log.events.length - Math.floor(random() * 10));
    },
    () => {
      const log = pick(logs);
      // A token that expires before it was ever shown is refused for good.
      if (!log.token || world.now - (expired.get(log) ?? 0) < 30_000) return;
      expired.set(log, world.now);
      server.expire(log, `${log.token}1`);
    },
    () => random() < 0.1 && server.remove(pick(logs)),
    () => random() < 0.2 && (random() < 0.5 ? world.goOffline() : world.goOnline()),
    () => random() < 0.1 && world.sleep(random() * 120_000),
  ];
  const append = () => {
    for (const log of logs) {
      if (log.over || random() < 0.3) continue;
      for (let count = Math.floor(random() * 3); count-- > 0 && !log.over; )
        server.append(log, log.channel.startsWith("job:") && random() < 0.01);
    }
  };

  for (let turn = 0; turn < 60; turn++) {
    append();
    if (random() < 0.6) await pick(acts)();
    await world.pass(pick([0, 10, 100, 500, 3_000, 10_000]));
  }
  healed = true;
  server.fault = () => "none";
  await world.goOnline();
  for (let turn = 0; turn < 20; turn++) {
    append();
    await world.pass(10_000);
  }
  await world.pass(120_000);
  const wrongs = [...server.broken, ...all.flatMap(({ wrongs }) => wrongs)];
  for (const { checker } of followings) {
    const { log, over, isComplete } = checker;
    if (log.gone) {
      if (over !== "failed" && over !== "ended") wrongs.push(`${log.channel}: gone, and not told`);
    } else if (!isComplete) {
      wrongs.push(`${log.channel}: not all was told: ${checker.diary.slice(-3)} of ${log.events.length}`);
    } else if (log.over && over !== "ended") {
      wrongs.push(`${log.channel}: its end was not told (${over})`);
    }
  }
  source.close();
  await world.pass(600_000);
  const { timers, listeners, requests } = world.left;
  if (timers + listeners + requests) wrongs.push(`left: ${JSON.stringify(world.left)}`);
  return wrongs;
}

// For many more: MODEL_SEED=1000 MODEL_SEEDS=2000 npx vitest run test/model.test.ts
const first = Number(process.env.MODEL_SEED ?? 1);
const count = Number(process.env.MODEL_SEEDS ?? 20);

test("each follower is told its channel's log in order, whatever goes wrong on the way", {
  timeout: 280_000,
}, async () => {
  const failed: Record<number, string[]> = {};
  for (let seed = first; seed < first + count; seed++) {
    const wrongs = await run(seed);
    if (wrongs.length) failed[seed] = wrongs.slice(0, 3);
  }
  expect(failed).toEqual({});
});
