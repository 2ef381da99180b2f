import { expect, test } from "vitest";
import type { Source } from "../src/source.ts";
import { Browser, settle, type Tab } from "./browsers.ts";
import { Checker } from "./model-follower.ts";
import { Log, randomFrom } from "./model-log.ts";

/** Events of a page of the server. */
const PAGE = 5;

interface Page {
  readonly tab: Tab;
  readonly source: Source;
  readonly followers: Map<Checker, () => void>;
}

/** Tabs come, follow, freeze, hide and die; what was told against the contract. */
async function run(seed: number): Promise<string[]> {
  const random = randomFrom(seed);
  const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];
  const browser = new Browser();
  const logs = [new Log("job:1"), new Log("user:me")];
  const pages = new Set<Page>();
  const all: Checker[] = [];
  const cursors: string[] = [];
  /** Each page follows each channel once, from its state on: then no state is told it later. */
  const once = random() < 0.5;
  const rights = once || random() < 0.5 ? 1 : 0.8;
  browser.prove = async () => random() < rights;
  browser.page = (channel, cursor) => {
    const events =
      logs
        .find((log) => log.channel === channel)
        ?.read(cursor)
        ?.told.slice(0, PAGE) ?? [];
    const last = events.at(-1)?.cursor ?? cursor;
    return { events, cursor: last, recovered: true, ended: false, more: events.length === PAGE };
  };

  /** How far the server has told each follow of each connection. */
  const places = new WeakMap<object, number>();
  const pump = async () => {
    for (const { tab, follows } of [...browser.connections]) {
      if (tab.frozen) continue;
      for (const [channel, follow] of [...follows]) {
        const log = logs.find((one) => one.channel === channel);
        if (log === undefined) continue;
        const place = places.get(follow);
        const told =
          place === undefined
            ? (log.read(follow.start.cursor ?? null)?.told ?? [])
            : log.events.slice(place).map((event) => log.told(event));
        places.set(follow, log.events.length);
        for (const { event, cursor } of told) {
          if (follows.get(channel) === follow) follow.sink.event(event, cursor);
        }
        if (log.over && follows.get(channel) === follow) {
          follows.delete(channel);
          follow.sink.ended();
        }
      }
    }
    await settle();
  };
  const follow = ({ source, followers }: Page) => {
    const log = pick(logs);
    if (!log || (once && [...followers.keys()].some((checker) => checker.log === log))) return;
    const old = cursors.filter((cursor) => cursor.startsWith(log.channel.replace(":", "-")));
    const cursor = (!once && random() < 0.3 && pick(old)) || null;
    const checker = new Checker(log, cursor, once ? "at first" : "any");
    all.push(checker);
    followers.set(checker, source.follow(log.channel, { cursor }, checker));
  };

  const acts: ((page: Page | undefined) => void)[] = [
    () => {
      const tab = browser.tab();
      const page = { tab, source: tab.share(), followers: new Map() };
      pages.add(page);
      follow(page);
    },
    (page) => page && !page.tab.frozen && follow(page),
    (page) => {
      const [[checker, stop] = []] = page && !page.tab.frozen ? page.followers : [];
      if (!checker || !stop) return;
      stop();
      checker.over ??= "stopped";
      if (checker.cursor) cursors.push(checker.cursor);
      page?.followers.delete(checker);
    },
    (page) => {
      if (page) page.tab.frozen = true;
    },
    (page) => page?.tab.thaw(),
    (page) => page?.tab.show(!page.tab.visible),
    (page) => {
      if (!page) return;
      page.tab.die();
      pages.delete(page);
    },
    (page) =>
      page &&
      !page.tab.frozen &&
      page.tab.page.dispatchEvent(new Event(random() < 0.5 ? "pagehide" : "pageshow")),
  ];
  const append = () => {
    for (const log of logs) {
      if (!log.over) log.append(random, log.channel === "job:1" && random() < 0.02);
    }
  };

  for (let turn = 0; turn < 50; turn++) {
    append();
    if (random() < 0.8) pick(acts)?.(pick([...pages]));
    if (random() < 0.7) await settle();
    if (random() < 0.7) await pump();
    if (random() < 0.3) await browser.pass(random() * 20_000);
  }
  for (const { tab } of pages) {
    tab.thaw();
    tab.show(true);
    tab.page.dispatchEvent(new Event("pageshow"));
  }
  for (let turn = 0; turn < 6; turn++) {
    append();
    await pump();
    await browser.pass(20_000);
  }
  await pump();
  await pump();
  const wrongs = all.flatMap(({ wrongs }) => wrongs);
  for (const { followers } of pages) {
    for (const { log, over, isComplete, diary } of followers.keys()) {
      if (!isComplete)
        wrongs.push(`${log.channel}: not all was told: ${diary.slice(-3)} of ${log.events.length}`);
      else if (log.over && over !== "ended") wrongs.push(`${log.channel}: its end was not told`);
    }
  }
  const alone = browser.connections.length;
  if (rights === 1 && alone > 1) wrongs.push(`${alone} connections`);
  for (const { source } of pages) source.close();
  await settle();
  if (browser.connections.length > 0) wrongs.push("a connection is left open");
  return wrongs;
}

// For many more: MODEL_SEED=1000 MODEL_SEEDS=2000 npx vitest run test/model-tabs.test.ts
const first = Number(process.env.MODEL_SEED ?? 1);
const count = Number(process.env.MODEL_SEEDS ?? 10);

test("each follower in each tab is told its log in order, whatever becomes of the tabs", async () => {
  const failed: Record<number, string[]> = {};
  for (let seed = first; seed < first + count; seed++) {
    const wrongs = await run(seed);
    if (wrongs.length) failed[seed] = wrongs.slice(0, 3);
  }
  expect(failed).toEqual({});
}, 280_000);
