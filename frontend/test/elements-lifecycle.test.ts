// @vitest-environment happy-dom

import { beforeEach, expect, test } from "vitest";
import type { JobProgressElement } from "../src/elements/index.ts";
import { Page, text, turn } from "./elements-page.ts";
import * as jobs from "./jobs.ts";

const SRC = `/jobs/${jobs.ID}`;
let page: Page;

beforeEach(() => {
  page = new Page();
});

/** An element that shows a job which runs. */
async function running(): Promise<JobProgressElement> {
  const element = await page.progress({ src: SRC });
  page.source.last.tell(jobs.queued(), jobs.started());
  await page.frame();
  return element;
}

test("follows from the first event that is kept, or from its cursor", async () => {
  await page.progress({ src: SRC });
  expect(page.source.last.start.cursor).toBe("earliest");
  page = new Page();
  await page.progress({ src: SRC, cursor: "c7", token: "t0ken" });
  expect(page.source.last.start).toMatchObject({ cursor: "c7", token: "t0ken" });
});

test("lets go when it is removed, and stays when it is moved", async () => {
  const element = await running();
  const other = document.body.appendChild(document.createElement("main"));
  other.append(element);
  await page.frame();
  expect(page.source.follows.length).toBe(1);
  expect(page.source.live.length).toBe(1);
  element.remove();
  await turn();
  expect(page.source.live).toEqual([]);
  document.body.append(element);
  await page.frame();
  expect(page.source.live.length).toBe(1);
});

test("follows another job when its src changes, and forgets the one before", async () => {
  const element = await running();
  element.src = "/jobs/other";
  await page.frame();
  expect(page.source.live.map(({ channel }) => channel)).toEqual(["job:other"]);
  expect(text(element, "status")).toBe("Asking how it is");
  expect(text(element, "name")).toBe("Job");
});

test("takes properties that were set before it was defined", async () => {
  const early = document.createElement("early-progress");
  Object.assign(early, { jobs: page.jobs, job: { ...jobs.document(), token: "t0ken" } });
  document.body.append(early);
  const { JobProgressElement } = await import("../src/elements/index.ts");
  customElements.define("early-progress", class extends JobProgressElement {});
  customElements.upgrade(early);
  await page.frame();
  expect(early.getAttribute("src")).toBe(SRC);
  expect(page.source.last.start.token).toBe("t0ken");
  expect(text(early, "status")).toBe("Waiting for its turn");
});

test("tells the page of each event, and of the end if that is news", async () => {
  const element = await page.progress({ src: SRC });
  const told: string[] = [];
  for (const type of ["job-event", "job-over"]) document.body.addEventListener(type, () => told.push(type));
  page.source.last.tell(jobs.started(), jobs.succeeded());
  expect(told).toEqual(["job-event", "job-event", "job-over"]);
  expect(element.state?.status).toBe("succeeded");
  told.length = 0;
  await page.progress({ src: "/jobs/known", status: "succeeded" });
  page.source.last.tell(jobs.snapshot({ id: "known", status: "succeeded" }));
  expect(told, "a page that loads itself again at the end would do so for ever").toEqual(["job-event"]);
});
