// @vitest-environment happy-dom

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { JobProgressElement } from "../src/elements/index.ts";
import { PushjobsError } from "../src/errors.ts";
import { Page, part, template, text } from "./elements-page.ts";
import * as jobs from "./jobs.ts";

const SRC = `/jobs/${jobs.ID}`;
let page: Page;

beforeEach(() => {
  page = new Page();
});

/** An element that shows a job which runs. */
async function running(attributes: Record<string, string> = {}): Promise<JobProgressElement> {
  const element = await page.progress({ src: SRC, ...attributes });
  page.source.last.tell(jobs.queued(), jobs.started());
  await page.frame();
  return element;
}

function buttons(element: JobProgressElement): (string | null)[] {
  const all = [...(element.shadowRoot?.querySelectorAll<HTMLElement>("a, button") ?? [])];
  return all.filter((node) => !node.hidden).map((node) => node.textContent);
}

describe("what it shows", () => {
  test("the job's progress, message and output as they come", async () => {
    const element = await running();
    expect(text(element, "name")).toBe("demo.narrate");
    expect(text(element, "status")).toBe("In progress");
    expect(part(element, "bar").hasAttribute("value")).toBe(false);
    page.source.last.tell(
      jobs.event("job.progress", { done: 1, total: 3, percent: 33.9, message: "the first" }),
      jobs.output("Hello "),
      jobs.output("there"),
    );
    await page.frame();
    expect(part(element, "bar").getAttribute("value")).toBe("33.9");
    expect(text(element, "percent")).toMatch(/^33\s?%$/);
    expect(text(element, "message")).toBe("the first");
    expect(text(element, "output")).toBe("Hello there");
    expect(element.getAttribute("status")).toBe("running");
    expect(element.getAttribute("percent")).toBe("33.9");
  });

  test("its result, and where the whole of it is", async () => {
    const element = await running();
    page.source.last.tell(jobs.succeeded({ words: 2 }));
    await page.frame();
    expect(text(element, "status")).toBe("Done");
    expect(text(element, "result")).toBe('{\n  "words": 2\n}');
    expect(part(element, "bar").getAttribute("value")).toBe("100");
    expect(part(element, "link").getAttribute("href")).toBe(`${SRC}/response`);
    expect(buttons(element)).toEqual(["Open the result"]);
  });

  test("only the beginning of a long result", async () => {
    const element = await running();
    page.source.last.tell(jobs.succeeded("x".repeat(5_000)));
    await page.frame();
    expect(text(element, "result")).toBe(`${"x".repeat(2_000)}…`);
  });

  test("why it failed", async () => {
    const element = await running();
    page.source.last.tell(jobs.failed());
    await page.frame();
    expect(text(element, "status")).toBe("Failed");
    expect(text(element, "error")).toBe("The job failed");
    expect(buttons(element)).toEqual(["Try again"]);
  });

  test("that it is tried again, and nothing of the attempt before", async () => {
    const element = await running();
    page.source.last.tell(jobs.output("void"));
    await page.frame();
    const again = { error: jobs.PROBLEM, retry_at: "2026-03-01T12:01:00.000Z" };
    page.source.last.tell(jobs.event("job.retrying", again));
    await page.frame();
    expect(text(element, "status")).toBe("Something went wrong; it is tried again");
    expect(text(element, "output")).toBe(null);
    page.source.last.tell(jobs.started({ attempt: 2 }), jobs.output("anew", { attempt: 2 }));
    await page.frame();
    expect(text(element, "output")).toBe("anew");
  });

  test("what the page knew, until the first event", async () => {
    const element = await page.progress({ src: SRC, name: "demo.narrate", status: "running", percent: "40" });
    expect(text(element, "status")).toBe("In progress");
    expect(part(element, "bar").getAttribute("value")).toBe("40");
    page.source.last.tell(jobs.snapshot({ status: "running", attempt: 1 }));
    await page.frame();
    expect(part(element, "bar").hasAttribute("value")).toBe(false);
  });

  test("the connection's trouble beside the job's status, not in its place", async () => {
    const element = await running();
    const { state } = page.source;
    state.set({ ...state.get(), status: "waiting" });
    await page.frame();
    expect(text(element, "connection")).toBe("The connection is lost; trying again");
    expect(text(element, "status")).toBe("In progress");
    state.set({ ...state.get(), status: "connecting" });
    await page.frame();
    expect(text(element, "connection"), "a try is no success").not.toBe("");
    state.set({ ...state.get(), status: "open" });
    await page.frame();
    expect(text(element, "connection")).toBe("");
  });

  test("why it cannot be followed", async () => {
    const element = await page.progress({ src: SRC });
    const problem = { type: "urn:pushjobs:problem:not-found", title: "There is no such job", status: 404 };
    page.source.last.failed(new PushjobsError(problem));
    await page.frame();
    expect(text(element, "connection")).toBe("This cannot be followed: There is no such job");
  });

  test("a mistake in its src", async () => {
    const element = await page.progress({ src: "seven" });
    expect(text(element, "connection")).toContain('"seven" is no job\'s URL');
    expect(page.source.follows).toEqual([]);
  });

  test("the page's own labels and its own template", async () => {
    const labels = JSON.stringify({ running: "Läuft", cancel: "Halt" });
    const own = template({ status: "strong", cancel: "button" });
    const element = await page.progress({ src: SRC, labels, label: "Juli" }, own);
    page.source.last.tell(jobs.started());
    await page.frame();
    expect(part(element, "status").localName).toBe("strong");
    expect(text(element, "status")).toBe("Läuft");
    expect(text(element, "cancel")).toBe("Halt");
    expect(() => part(element, "bar")).toThrow("there is no bar");
  });

  test("the page's own words for a problem, in place of the server's", async () => {
    const labels = JSON.stringify({ failed: "Fehler", "problem:job-failed": "Es ging nicht" });
    const element = await running({ labels });
    page.source.last.tell(jobs.failed());
    await page.frame();
    expect([text(element, "status"), text(element, "error")]).toEqual(["Fehler", "Es ging nicht"]);
  });

  test("labels that are no JSON are reported, and English stands in", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const element = await running({ labels: "[" });
    expect(text(element, "status")).toBe("In progress");
    expect(error).toHaveBeenCalledWith("pushjobs: labels are a JSON object of texts, not [");
  });
});

test("hundreds of events are one drawing, which adds what is new to the output", async () => {
  const element = await running();
  page.source.last.tell(jobs.output("first "));
  await page.frame();
  const node = part(element, "output").firstChild;
  const before = page.frames;
  const chunks = Array.from({ length: 500 }, (_, number) => `${number} `);
  page.source.last.tell(...chunks.map((chunk) => jobs.output(chunk)));
  await page.frame();
  await page.frame();
  expect(page.frames - before).toBe(1);
  expect(text(element, "output")).toBe(`first ${chunks.join("")}`);
  expect(part(element, "output").firstChild).toBe(node);
});

describe("what a visitor does", () => {
  test("cancels, by this job's token", async () => {
    const element = await running({ token: "t0ken" });
    part(element, "cancel").click();
    const request = await page.world.request();
    expect(request.url.pathname).toBe(`${SRC}/cancel`);
    expect(request.headers.get("X-Job-Authorization")).toBe("Bearer t0ken");
    request.answer(202, jobs.document({ status: "running" }));
    await page.world.pass(0);
    await page.frame();
    expect(text(element, "status")).toBe("Being cancelled");
    part(element, "cancel").click();
    expect((await page.world.unseen()).requests).toBe(0);
    page.source.last.tell(jobs.cancelled());
    await page.frame();
    expect(text(element, "status")).toBe("Cancelled");
    expect(buttons(element)).toEqual(["Try again"]);
  });

  test("is asked by the page first, if it likes", async () => {
    const element = await running();
    element.addEventListener("job-cancel", (event) => event.preventDefault());
    part(element, "cancel").click();
    expect((await page.world.unseen()).requests).toBe(0);
  });

  test("is told why it did not work, and may try again", async () => {
    const element = await running();
    part(element, "cancel").click();
    (await page.world.request()).refuse(403, "forbidden");
    await page.world.pass(0);
    await page.frame();
    expect(text(element, "note")).toBe("That did not work: forbidden");
    expect(part(element, "cancel").hasAttribute("aria-disabled")).toBe(false);
  });

  test("too late to cancel: there is nothing to complain of", async () => {
    const element = await running();
    part(element, "cancel").click();
    (await page.world.request()).refuse(409, "conflict");
    await page.world.pass(0);
    await page.frame();
    expect(text(element, "note")).toBe("");
  });

  test("tries again, and sees the new job", async () => {
    const element = await running();
    page.source.last.tell(jobs.failed());
    await page.frame();
    const told = vi.fn();
    element.addEventListener("job-retry", told);
    part(element, "retry").click();
    part(element, "retry").click();
    const next = "0192f3c8-7d1e-7c55-9a64-000000000002";
    (await page.world.request()).answer(202, { ...jobs.document({ id: next }), token: "new" });
    await page.world.pass(0);
    await page.frame();
    expect((await page.world.unseen()).requests, "one click too many").toBe(0);
    expect(element.src).toBe(`/jobs/${next}`);
    expect(told).toHaveBeenCalledOnce();
    expect(text(element, "status")).toBe("Waiting for its turn");
    expect(page.source.last.channel).toBe(`job:${next}`);
    expect(page.source.last.start.token).toBe("new");
  });

  test("keeps the keyboard where a control goes away", async () => {
    const element = await running();
    part(element, "cancel").focus();
    page.source.last.tell(jobs.cancelled());
    await page.frame();
    expect(element.shadowRoot?.activeElement).toBe(part(element, "retry"));
  });

  test("has no buttons where they may only look, and none to repeat a view's request", async () => {
    const element = await running({ readonly: "" });
    expect(buttons(element)).toEqual([]);
    element.readonly = false;
    page.source.last.tell({ ...jobs.failed(), name: "pushjobs.view" });
    await page.frame();
    expect(buttons(element)).toEqual([]);
  });
});
