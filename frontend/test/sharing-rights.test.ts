import { beforeEach, describe, expect, test, vi } from "vitest";
import { PushjobsError } from "../src/errors.ts";
import { share } from "../src/share.ts";
import { sharingName } from "../src/tabs/name.ts";
import { pageReader } from "../src/tabs/proof.ts";
import { Browser, JOB, settle } from "./browsers.ts";
import { Diary, output } from "./diary.ts";
import { World } from "./environment.ts";

const REFUSED = new PushjobsError({ type: "urn:pushjobs:problem:unauthorized", title: "No", status: 401 });

let browser: Browser;

beforeEach(() => {
  browser = new Browser();
});

describe("a tab that the server refuses what another's connection brings", () => {
  test("hears nothing of it, and opens a connection of its own", async () => {
    const first = await browser.open();
    browser.only.send(JOB, 1, 2);
    browser.prove = async () => false;
    const second = await browser.open();
    const [shared, own] = browser.connections;
    shared?.send(JOB, 3);
    await settle();
    expect([shared?.tab, own?.tab]).toEqual([first.tab, second.tab]);
    expect(second.diary.text).toBe("");
    expect(second.source.state.get().shared).toBe(false);

    own?.fail(JOB, REFUSED);
    await settle();
    expect([first, second].map(({ diary }) => diary.text)).toEqual(["1 2 3", "unauthorized"]);
    expect(browser.only.tab).toBe(first.tab);
    expect(second.source.state.get()).toMatchObject({ status: "open", shared: true });
  });

  test("is asked about the cursor of the one that leads, and told nothing before the answer", async () => {
    await browser.open();
    let answer = (_: boolean) => {};
    const prove = vi.fn(() => new Promise<boolean>((resolve) => (answer = resolve)));
    browser.prove = prove;
    const second = await browser.open({ token: "mine" });
    browser.only.send(JOB, 1, 2);
    browser.only.end(JOB);
    await settle();
    expect(prove.mock.calls).toEqual([[second.tab, JOB, "c1"]]);
    expect(second.diary.text).toBe("");
    answer(true);
    await settle();
    expect(second.diary.text).toBe("1 2 ended");
  });

  test("is told nothing twice where the answer comes after another tab has taken the lead", async () => {
    const [first, , third] = [await browser.open(), await browser.open(), browser.tab()];
    browser.only.send(JOB, 1);
    await settle();
    let answer = (_: boolean) => {};
    browser.prove = () => new Promise((resolve) => (answer = resolve));
    const diary = new Diary();
    third.share().follow(JOB, {}, diary);
    await settle();
    const late = answer;
    browser.prove = async () => true;
    first.tab.die();
    await settle();
    late(true);
    await settle();
    browser.only.send(JOB, 2);
    await settle();
    expect(diary.text).toBe("[1] 2");
  });

  test("is asked again when another tab leads", async () => {
    const [first, second, third] = [await browser.open(), await browser.open(), await browser.open()];
    browser.only.send(JOB, 1);
    await settle();
    browser.prove = async () => false;
    first.tab.die();
    await settle();
    browser.only.send(JOB, 2);
    await settle();
    expect(browser.connections.map(({ tab }) => tab)).toEqual([second.tab, third.tab]);
    expect(third.diary.text).toBe("1");
  });

  test("does not lead to a leak from the tabs that it leads", async () => {
    const first = await browser.open();
    const second = browser.tab();
    const diary = new Diary();
    second.share().follow("job:2", { token: "second's" }, diary);
    await settle();
    browser.only.follows.get("job:2")?.sink.event(output(1), "c1");
    await settle();
    browser.prove = async () => false;
    const nosy = new Diary();
    first.source.follow("job:2", {}, nosy);
    await settle();
    expect(diary.text).toBe("1");
    expect(nosy.text).toBe("");
    expect(browser.connections.map(({ tab }) => tab)).toEqual([first.tab, first.tab]);
  });
});

describe("what the tab that leads may not follow", () => {
  test("is followed by another over a connection of its own", async () => {
    await browser.open();
    const second = await browser.open();
    browser.only.send(JOB, 1);
    await settle();
    browser.only.fail(JOB, REFUSED);
    await settle();
    const [, own] = browser.connections;
    own?.send(JOB, 2);
    expect(second.diary.text).toBe("1 2");
  });

  test("comes by the one connection again when another tab leads", async () => {
    const first = await browser.open();
    browser.prove = async () => false;
    const second = await browser.open();
    const third = await browser.open();
    browser.only.send(JOB, 1);
    await settle();
    expect(browser.connections).toHaveLength(3);
    browser.prove = async () => true;
    first.tab.die();
    await settle();
    browser.only.send(JOB, 1, 2);
    await settle();
    expect([second, third].map(({ diary }) => diary.text)).toEqual(["1 2", "1 2"]);
  });
});

describe("a token", () => {
  test("goes along to the tab that leads", async () => {
    await browser.open();
    browser.tab().share().follow("job:2", { token: "secret" }, new Diary());
    await settle();
    expect(browser.only.follows.get("job:2")?.start.token).toBe("secret");
  });

  test("is asked of its tab each time", async () => {
    await browser.open();
    let number = 0;
    const token = () => {
      number += 1;
      return `token ${number}`;
    };
    const tab = browser.tab();
    tab.share().follow("job:2", { token }, new Diary());
    await settle();
    const source = browser.only.follows.get("job:2")?.start.token;
    if (typeof source !== "function") throw new Error("it cannot be asked for");
    expect([await source(), await source()]).toEqual(["token 1", "token 2"]);
    const asked = Promise.resolve(source());
    tab.die();
    await expect(asked).rejects.toThrow("no token");
  });

  test("that its tab cannot get is an error where it is asked for", async () => {
    await browser.open();
    const token = () => Promise.reject(new Error("the network is down"));
    browser.tab().share().follow("job:2", { token }, new Diary());
    await settle();
    const source = browser.only.follows.get("job:2")?.start.token;
    if (typeof source !== "function") throw new Error("it cannot be asked for");
    await expect(source()).rejects.toThrow("no token");
  });
});

test("where the browser grants no locks each tab has its own connection", async () => {
  browser.forbidden = true;
  const tabs = [await browser.open(), await browser.open()];
  for (const connection of browser.connections) connection.send(JOB, 1);
  expect(browser.connections).toHaveLength(2);
  expect(tabs.map(({ diary }) => diary.text)).toEqual(["1", "1"]);
});

test("where there is no page the connection is its own", () => {
  const own = browser.tab().share();
  const { environment } = new World();
  expect(share({ url: "/jobs", environment, open: () => own })).toBe(own);
});

describe("the name under which tabs share", () => {
  const cookies = (token: string) => `theme=dark; csrftoken=${token}`;
  const options = { url: "/jobs", share: undefined, token: undefined };

  test("is another after each login, and does not tell the cookie", () => {
    const name = sharingName(options, cookies("Xk3"));
    expect(name).toBe(sharingName(options, cookies("Xk3")));
    expect(name).not.toBe(sharingName(options, cookies("Yq8")));
    expect(name).not.toContain("Xk3");
  });

  test("is another for another server, and for other transports", () => {
    const name = sharingName(options, "");
    expect(name).not.toBe(sharingName({ ...options, url: "/other" }, ""));
    expect(name).not.toBe(sharingName({ ...options, transports: ["sse"] }, ""));
  });

  test("is the one that was given", () => {
    const share = "user 7";
    expect(sharingName({ ...options, share, token: "t" }, cookies("Xk3"))).toBe(
      sharingName({ ...options, share }, cookies("Yq8")),
    );
  });

  test("is none for a client with a token, unless it asks for one", () => {
    expect(sharingName({ ...options, token: "t" }, "")).toBeNull();
    expect(sharingName({ ...options, share: false }, "")).toBeNull();
    expect(sharingName({ ...options, token: "t", share: true }, "")).not.toBeNull();
  });
});

describe("what the server is asked", () => {
  const asked = (answer: () => Promise<Response>) => {
    const fetch = vi.fn((_url: string, _init?: RequestInit) => answer());
    return { fetch, read: pageReader("/jobs", { fetch }, () => "client's") };
  };
  const PAGE = { events: [], cursor: "a.b.1", recovered: true, ended: false, more: false };

  test.each([200, 400, 401, 404, 503])("is for a page; %i", async (status) => {
    const { fetch, read } = asked(async () => Response.json(PAGE, { status }));
    const page = read("user:me", undefined, "a.b.1");
    if (status === 200) expect(await page).toEqual(PAGE);
    else await expect(page).rejects.toMatchObject({ status });
    const [url, init] = fetch.mock.calls[0] ?? [];
    expect(url).toBe("/jobs/events?channel=user%3Ame&cursor=a.b.1");
    expect(new Headers(init?.headers).get("X-Job-Authorization")).toBe("Bearer client's");
    expect(new Headers(init?.headers).get("Accept")).toBe("application/json");
  });

  test.each([
    ["no answer", () => Promise.reject(new TypeError("the network is down"))],
    ["a portal's page", async () => new Response("<title>Log in</title>")],
  ])("%s means that it may not", async (_, answer) => {
    await expect(asked(answer).read("user:me", "own", "a.b.1")).rejects.toThrow();
  });
});
