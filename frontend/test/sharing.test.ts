import { beforeEach, describe, expect, test } from "vitest";
import { PushjobsError } from "../src/errors.ts";
import type { Start } from "../src/source.ts";
import { Browser, type Connection, JOB, type Open, pagesOf, settle } from "./browsers.ts";
import { Diary } from "./diary.ts";

let browser: Browser;

const open = (start?: Start, name?: string): Promise<Open> => browser.open(start, name);
const only = (): Connection => browser.only;

beforeEach(() => {
  browser = new Browser();
});

describe("tabs that follow the same job", () => {
  test("share one connection and hear each event once", async () => {
    const tabs = [await open(), await open(), await open()];
    only().send(JOB, 1, 2);
    await settle();
    expect(tabs.map(({ diary }) => diary.text)).toEqual(["1 2", "1 2", "1 2"]);
    expect(only().tab).toBe(tabs[0]?.tab);
    expect(tabs.map(({ source }) => source.state.get().shared)).toEqual([false, true, true]);
    expect(tabs.map(({ source }) => source.state.get().status)).toEqual(["open", "open", "open"]);
  });

  test("agree on one that leads when they open at once", async () => {
    const tabs = [browser.tab(), browser.tab(), browser.tab()];
    const diaries = tabs.map((tab) => {
      const diary = new Diary();
      tab.share().follow(JOB, {}, diary);
      return diary;
    });
    await settle();
    only().send(JOB, 1);
    await settle();
    expect(diaries.map(({ text }) => text)).toEqual(["1", "1", "1"]);
  });

  test("who comes late is told how the job stands, and then the rest", async () => {
    await open();
    only().send(JOB, 1, 2);
    const late = await open();
    only().send(JOB, 3);
    await settle();
    expect(late.diary.text).toBe("[1 2] 3");
    expect(late.diary.cursor).toBe("c3");
  });

  test("from cursors of their own are each told what comes after it", async () => {
    const first = await open({ cursor: "c3" });
    only().send(JOB, 4);
    browser.page = pagesOf(4);
    const second = await open({ cursor: "c1" });
    only().send(JOB, 5);
    await settle();
    expect([first, second].map(({ diary }) => diary.text)).toEqual(["4 5", "2 3 4 5"]);
    browser.page = pagesOf(0);
    await open({ cursor: "c2" }); // Where the log has it no more, all begin anew.
    expect(only().follows.get(JOB)?.start.cursor).toBeUndefined();
  });

  test("are each told its end", async () => {
    const tabs = [await open(), await open()];
    only().send(JOB, 1);
    only().end(JOB);
    await settle();
    expect(tabs.map(({ diary }) => diary.text)).toEqual(["1 ended", "1 ended"]);
  });

  test("the connection lets go of it when the last has", async () => {
    const tabs = [await open(), await open(), await open()];
    tabs[0]?.stop();
    tabs[1]?.stop();
    await settle();
    expect(only().follows.size).toBe(1);
    tabs[2]?.tab.die();
    await settle();
    expect(only().follows.size).toBe(0);
  });

  test("hear nothing more of what they have let go of", async () => {
    await open();
    const diary = new Diary();
    const tab = browser.tab();
    const hear = diary.event.bind(diary);
    const stop = tab.share().follow(JOB, {}, diary);
    diary.event = (event, cursor) => {
      hear(event, cursor);
      stop();
    };
    await settle();
    only().send(JOB, 1, 2, 3);
    await settle();
    expect(diary.text).toBe("1");
  });

  test("are told when the connection's state changes", async () => {
    await open();
    const { source } = await open();
    const error = new PushjobsError({ type: "urn:pushjobs:problem:server-busy", title: "Busy", status: 503 });
    only().state.set({ ...only().state.get(), status: "waiting", retryAt: 7, error });
    await settle();
    expect(source.state.get()).toMatchObject({ status: "waiting", retryAt: 7, shared: true });
    expect(source.state.get().error).toBeInstanceOf(PushjobsError);
    expect(source.state.get().error?.code).toBe("server-busy");
  });

  test("of other names have connections of their own", async () => {
    const [ada, bob] = [await open({}, "ada"), await open({}, "bob")];
    expect(browser.connections).toHaveLength(2);
    browser.connections[0]?.send(JOB, 1);
    await settle();
    expect([ada.diary.text, bob.diary.text]).toEqual(["1", ""]);
  });
});

describe("when the tab that leads goes", () => {
  const ways: [string, (open: Open) => void][] = [
    ["crashes", ({ tab }) => tab.die()],
    ["closes its client", ({ source }) => source.close()],
    ["is put aside to come back to", ({ tab }) => tab.page.dispatchEvent(new Event("pagehide"))],
  ];

  test.each(ways)("as it %s, another goes on from its cursor", async (_, go) => {
    const [first, second, third] = [await open(), await open(), await open()];
    only().send(JOB, 1, 2);
    await settle();
    go(first);
    await settle();
    expect(only().tab).toBe(second.tab);
    expect(only().follows.get(JOB)?.start.cursor).toBe("c2");
    only().send(JOB, 3);
    await settle();
    expect([second, third].map(({ diary }) => diary.text)).toEqual(["1 2 3", "1 2 3"]);
    expect(first.diary.text).toBe("1 2");
  });

  test("what it had not sent on is made up for", async () => {
    const [first, second] = [await open(), await open()];
    only().send(JOB, 1);
    await settle();
    only().send(JOB, 2); // It dies before it can pass this on.
    first.tab.die();
    await settle();
    expect(only().follows.get(JOB)?.start.cursor).toBe("c1");
    only().send(JOB, 2, 3);
    await settle();
    expect(second.diary.text).toBe("1 2 3");
  });

  test("a follower that is behind the next one is told what it lacks, each once", async () => {
    const [first, , third] = [await open(), await open(), await open()];
    only().send(JOB, 1);
    await settle();
    third.tab.frozen = true;
    first.tab.die();
    await settle();
    only().send(JOB, 2, 3, 4);
    await settle();
    browser.page = pagesOf(4);
    third.tab.thaw();
    await settle();
    only().send(JOB, 5);
    await settle();
    expect(third.diary.text).toBe("1 2 3 4 5");
  });

  test("a follower that lets go reads no more of what it lacks", async () => {
    await open({ cursor: "c9" });
    only().send(JOB, 10);
    const read: string[] = [];
    browser.page = (channel, cursor) => {
      read.push(cursor);
      if (cursor === "c1") stop();
      return pagesOf(10)(channel, cursor);
    };
    const stop = browser.tab().share().follow(JOB, { cursor: "c1" }, new Diary());
    await settle();
    expect(read).toEqual(["c10", "c1"]);
    expect(browser.connections).toHaveLength(1);
  });

  test("a follower whose place the log has no more is told how the job stands", async () => {
    const [first, , third] = [await open(), await open(), await open()];
    third.tab.frozen = true;
    only().send(JOB, 1, 2);
    await settle();
    first.tab.die();
    await settle();
    only().send(JOB, 3);
    await settle();
    third.tab.thaw();
    await settle();
    expect(third.diary.text).toBe("1 2 [1 2 3]");
    expect(third.diary.cursor).toBe("c3");
  });

  test("what comes after the end was told is not told again", async () => {
    const [first, second] = [await open(), await open()];
    only().send(JOB, 1);
    only().end(JOB);
    await settle();
    first.tab.die();
    await settle();
    expect(only().follows.size).toBe(0);
    expect(second.diary.text).toBe("1 ended");
  });
});

test("a client that is closed follows nothing any more", async () => {
  const { source, diary } = await open();
  const second = await open();
  source.close();
  await settle();
  only().send(JOB, 1);
  await settle();
  expect([diary.text, second.diary.text]).toEqual(["", "1"]);
  expect(source.state.get().status).toBe("closed");
  expect(() => source.follow(JOB, {}, diary)).toThrow("closed");
});

describe("a page that comes back", () => {
  test("takes part again, from its cursor", async () => {
    const [first, second] = [await open(), await open()];
    only().send(JOB, 1);
    await settle();
    first.tab.page.dispatchEvent(new Event("pagehide"));
    await settle();
    only().send(JOB, 2);
    await settle();
    first.tab.page.dispatchEvent(new Event("pageshow"));
    await settle();
    only().send(JOB, 3);
    await settle();
    expect(only().tab).toBe(second.tab);
    expect(first.diary.text).toBe("1 [1 2] 3");
  });
});

describe("a tab that leads and does not answer", () => {
  test("is replaced by one that is seen, and follows it when it wakes, as all do", async () => {
    const tabs = [await open(), await open(), await open()];
    const [first, second, third] = tabs;
    third?.tab.show(false);
    only().send(JOB, 1);
    await settle();
    if (first) first.tab.frozen = true;
    third?.tab.show(false); // It asks who leads.
    await browser.pass(15_000 + 5_000);
    await settle();
    expect(browser.connections.map(({ tab }) => tab)).toContain(second?.tab);
    first?.tab.thaw(); // It answers who asked, and hears only then that it leads no more.
    await settle();
    expect(only().tab).toBe(second?.tab);
    only().send(JOB, 2);
    await settle();
    expect(tabs.map(({ diary }) => diary.text)).toEqual(["1 2", "1 2", "1 2"]);
  });

  test("keeps its place as long as no one looks", async () => {
    const [first, second] = [await open(), await open()];
    second.tab.show(false);
    first.tab.frozen = true;
    await browser.pass(600_000);
    expect(only().tab).toBe(first.tab);
    second.tab.show(true);
    await browser.pass(5_000);
    await settle();
    expect(browser.connections.map(({ tab }) => tab)).toContain(second.tab);
  });

  test("keeps its place when it does answer", async () => {
    const [first] = [await open(), await open(), await open()];
    await browser.pass(600_000);
    expect(only().tab).toBe(first.tab);
  });

  test("is replaced when it waits unseen, since its timers may be late", async () => {
    const [first, second] = [await open(), await open()];
    first.tab.show(false);
    only().state.set({ ...only().state.get(), status: "waiting" });
    await settle();
    expect(only().tab).toBe(second.tab);
  });
});
