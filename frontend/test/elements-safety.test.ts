// @vitest-environment happy-dom

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { JobDocument } from "../src/wire.ts";
import { Page, part, rows, text } from "./elements-page.ts";
import * as jobs from "./jobs.ts";

const SRC = `/jobs/${jobs.ID}`;
const OTHER = "0192f3c8-7d1e-7c55-9a64-000000000002";
let page: Page;

beforeEach(() => {
  page = new Page();
});

const submitted = (id: string): JobDocument => ({ ...jobs.document({ id }), token: `of-${id}` });

/** An event of a job that the user's channel tells of. */
const named = (name: string, event: ReturnType<typeof jobs.started>) => ({ ...event, name });

describe("a link", () => {
  test.each([
    "javascript:alert(1)//a/b",
    " JavaScript:alert(1)/b",
    "java\tscript:alert(1)/b",
    "data:text/html,/b",
  ])("never leads to a script: %j", async (src) => {
    const element = await page.progress({ src, status: "succeeded" });
    expect(text(element, "link")).toBe(null);
    expect(part(element, "link").hasAttribute("href")).toBe(false);
    for (const told of [await page.progress({ src }), await page.list({ url: src })])
      expect(text(told, "connection")).toMatch(/^This cannot be followed: /);
    expect(page.source.follows).toEqual([]);
  });

  test("leads to the response, however the job's URL ends", async () => {
    const element = await page.progress({ src: `${SRC}/`, status: "succeeded" });
    expect(part(element, "link").getAttribute("href")).toBe(`${SRC}/response`);
  });

  test("takes no token along where the response leads elsewhere", async () => {
    const asked: [string, RequestInit | undefined][] = [];
    vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
      asked.push([url, init]);
      return asked.length === 1 ? { type: "opaqueredirect", ok: false } : new Response("", { status: 404 });
    });
    const element = await page.progress({ src: SRC, token: "t0ken", status: "succeeded" });
    part(element, "link").click();
    await vi.waitFor(() => expect(asked.length).toBe(2));
    expect(asked[0]?.[1]).toMatchObject({ redirect: "manual" });
    expect(asked[1]).toEqual([`${SRC}/response`, undefined]);
    await vi.waitFor(async () => {
      await page.frame();
      expect(text(element, "note")).toContain("404");
    });
  });
});

describe("the token of one job", () => {
  test("is not shown for the next document", async () => {
    const element = await page.progress({ src: SRC, token: "attribute" });
    element.job = jobs.document({ id: OTHER });
    await page.frame();
    expect(page.source.last.channel).toBe(`job:${OTHER}`);
    expect(page.source.last.start.token).toBeUndefined();
    element.job = submitted(jobs.ID);
    await page.frame();
    expect(page.source.last.start.token).toBe(`of-${jobs.ID}`);
    element.job = jobs.document({ id: OTHER });
    await page.frame();
    expect(page.source.last.start.token).toBeUndefined();
  });

  test("gives way to the attributes of another", async () => {
    const element = await page.progress({});
    element.job = submitted(jobs.ID);
    await page.frame();
    element.setAttribute("token", "own");
    element.src = `https://api.example/jobs/${OTHER}`;
    await page.frame();
    expect(page.source.last.start.token).toBe("own");
  });

  test("is kept with the job's own later documents", async () => {
    const element = await page.progress({});
    element.job = submitted(jobs.ID);
    element.job = jobs.document({ status: "running", attempt: 1 });
    await page.frame();
    expect(page.source.last.start.token).toBe(`of-${jobs.ID}`);
    element.src = `/jobs/${OTHER}`;
    await page.frame();
    expect(page.source.last.start.token).toBeUndefined();
  });
});

test("an answer to who tried again shows nothing where the page has gone on to another job", async () => {
  const element = await page.progress({ src: SRC });
  page.source.last.tell(jobs.started(), jobs.failed());
  await page.frame();
  part(element, "retry").click();
  const request = await page.world.request();
  const told = vi.fn();
  element.addEventListener("job-retry", told);
  element.src = "/jobs/chosen-since";
  await page.frame();
  request.answer(202, submitted(OTHER));
  await page.world.pass(0);
  await page.frame();
  expect(told).toHaveBeenCalledOnce();
  expect(element.src).toBe("/jobs/chosen-since");
  expect(element.token).toBe(null);
});

test("who has been asked to cancel is not asked again", async () => {
  const element = await page.progress({ src: SRC });
  page.source.last.tell(jobs.started());
  await page.frame();
  const asked = vi.fn();
  element.addEventListener("job-cancel", asked);
  part(element, "cancel").click();
  await page.frame();
  part(element, "cancel").click();
  expect(asked).toHaveBeenCalledOnce();
});

test("a client that is closed is told of", async () => {
  vi.spyOn(page.source, "follow").mockImplementation(() => {
    throw new Error("the connection is closed");
  });
  const element = await page.progress({ src: SRC });
  expect(text(element, "connection")).toBe("This cannot be followed: the connection is closed");
});

describe("texts", () => {
  test.each(["constructor", "__proto__", "cancel", "<img src=x onerror=alert(1)>"])(
    "a job may be named %j",
    async (name) => {
      const list = await page.list();
      page.source.last.tell(named(name, jobs.started()));
      await page.frame();
      expect(rows(list).map((row) => text(row, "name"))).toEqual([name]);
      expect(list.shadowRoot?.querySelector("img")).toBe(null);
    },
  );

  test("labels that are no text leave the English ones", async () => {
    const element = await page.progress({ src: "seven", labels: '{"refused": null, "job": {"a": 1}}' });
    expect(text(element, "connection")).toMatch(/^This cannot be followed: /);
    expect(text(element, "name")).toBe("Job");
  });

  test("a job whose time of making is no time is drawn without it", async () => {
    const list = await page.list();
    page.source.last.tell(jobs.snapshot({ created_at: "once" }));
    await page.frame();
    expect(rows(list).map((row) => text(row, "time"))).toEqual([""]);
  });
});

test("a thousand reports of progress are read out as nothing, and each end is", async () => {
  const list = await page.list();
  const element = await page.progress({ src: SRC });
  const [mine, one] = page.source.live;
  const channel = "user:me";
  mine?.tell(jobs.started({ channel }), jobs.started({ channel, job: OTHER }));
  one?.tell(jobs.started());
  await page.frame();
  const read: string[] = [];
  const regions = [...(element.shadowRoot?.querySelectorAll("[role=status]") ?? []), part(list, "live")];
  const watch = new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) read.push(node.textContent ?? "");
  });
  for (const region of regions) watch.observe(region, { subtree: true, childList: true });
  for (let count = 0; count < 100; count += 1) {
    for (let step = 0; step < 10; step += 1) {
      mine?.tell(jobs.progress(step % 4, { channel }));
      one?.tell(jobs.progress(step % 4));
    }
    await page.frame();
  }
  for (const job of [jobs.ID, OTHER]) {
    mine?.tell(jobs.succeeded(null, { channel, job }));
    await page.frame();
  }
  await vi.waitFor(() => expect(read).toEqual(["demo.narrate: Done", "demo.narrate: Done"]));
  watch.disconnect();
});
