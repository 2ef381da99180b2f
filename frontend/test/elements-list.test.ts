// @vitest-environment happy-dom

import { beforeEach, expect, test, vi } from "vitest";
import type { JobListElement } from "../src/elements/index.ts";
import { PushjobsError } from "../src/errors.ts";
import type { JobEvent, Status } from "../src/wire.ts";
import { Page, part, rows, template, text, turn } from "./elements-page.ts";
import type { FakeFollow } from "./fake-source.ts";
import * as jobs from "./jobs.ts";

let page: Page;

beforeEach(() => {
  page = new Page();
});

/** The list's own channel, as it is followed now. */
function mine(): FakeFollow {
  const found = page.source.follows.findLast(({ channel }) => !channel.startsWith("job:"));
  if (!found) throw new Error("no list is followed");
  return found;
}

/** The id of the job that was made as number so-and-so. */
function id(number: number): string {
  return `0192f3c8-7d1e-7c55-9a64-${String(number).padStart(12, "0")}`;
}

/** An event of the user's channel about job number so-and-so. */
function about(number: number, event: JobEvent): JobEvent {
  return { ...event, job: id(number), channel: "user:me", name: `job ${number}` };
}

function known(number: number, status: Status = "running"): JobEvent {
  return about(number, jobs.snapshot({ id: id(number), name: `job ${number}`, status, attempt: 1 }));
}

/** A list that knows jobs 1 to `count`. */
async function listed(count: number, attributes: Record<string, string> = {}): Promise<JobListElement> {
  const list = await page.list(attributes);
  mine().tell(...Array.from({ length: count }, (_, at) => known(at + 1)));
  await page.frame();
  return list;
}

function names(list: JobListElement): (string | null)[] {
  return rows(list).map((row) => text(row, "name"));
}

test("the newest job is the first, whenever it is heard of", async () => {
  const list = await listed(2);
  mine().tell(about(3, jobs.queued()));
  await page.frame();
  expect(names(list)).toEqual(["job 3", "job 2", "job 1"]);
  expect(text(rows(list)[0] as HTMLElement, "status")).toBe("Waiting for its turn");
});

test("rows stay the same nodes, and only what has changed is drawn", async () => {
  const list = await listed(3);
  const before = rows(list);
  const untouched = vi.spyOn(part(before[0] as HTMLElement, "bar"), "setAttribute");
  mine().tell(about(4, jobs.queued()), about(1, jobs.progress(3)));
  await page.frame();
  expect(rows(list).slice(1)).toEqual(before);
  expect(part(before[2] as HTMLElement, "bar").getAttribute("value")).toBe("75");
  expect(untouched).not.toHaveBeenCalled();
});

test("what is beyond the limit is shown when it is asked for, and has the keyboard", async () => {
  const list = await listed(5, { limit: "2" });
  expect(names(list)).toEqual(["job 5", "job 4"]);
  part(list, "more").click();
  expect(names(list)).toEqual(["job 5", "job 4", "job 3", "job 2"]);
  expect(rows(list)[2]?.contains(list.shadowRoot?.activeElement ?? null)).toBe(true);
  part(list, "more").click();
  expect(text(list, "more")).toBe(null);
});

test("only jobs of the chosen statuses are shown, and the keyboard goes on when one leaves", async () => {
  const list = await listed(3, { status: "queued running" });
  const row = rows(list)[1] as HTMLElement;
  part(row, "cancel").focus();
  mine().tell(about(2, jobs.cancelled()));
  await page.frame();
  expect(names(list)).toEqual(["job 3", "job 1"]);
  expect(list.shadowRoot?.activeElement).toBe(part(rows(list)[1] as HTMLElement, "cancel"));
});

test("that there is nothing is said once the server has said so", async () => {
  const list = await page.list();
  expect(text(list, "empty")).toBe(null);
  expect(part(list, "list").getAttribute("aria-busy")).toBe("true");
  mine().moved("c1");
  await vi.waitFor(async () => {
    await page.frame();
    expect(text(list, "empty")).toBe("No jobs yet");
  });
  mine().tell(about(1, jobs.queued()));
  await page.frame();
  expect(text(list, "empty")).toBe(null);
});

test("changes of status are read out, and no progress", async () => {
  const list = await listed(2);
  expect(text(list, "live")).toBe("");
  mine().tell(about(1, jobs.progress(2)));
  await page.frame();
  expect(text(list, "live")).toBe("");
  mine().tell(about(1, jobs.succeeded()));
  await page.frame();
  expect(text(list, "live")).toBe("job 1: Done");
});

test("a job is cancelled and retried from its row", async () => {
  const list = await listed(2);
  part(rows(list)[1] as HTMLElement, "cancel").click();
  const request = await page.world.request();
  expect(request.url.pathname).toBe(`/jobs/${id(1)}/cancel`);
  request.answer(200, jobs.document({ id: id(1), status: "cancelled" }));
  mine().tell(about(1, jobs.cancelled()));
  await page.world.pass(0);
  await page.frame();
  part(rows(list)[1] as HTMLElement, "retry").click();
  expect((await page.world.request()).url.pathname).toBe(`/jobs/${id(1)}/retry`);
});

test("each job's end is told once, and not of jobs that had ended before", async () => {
  const list = await page.list();
  const over: string[] = [];
  list.addEventListener("job-over", ({ detail }: CustomEventInit<{ id: string }>) =>
    over.push(detail?.id ?? ""),
  );
  mine().tell(known(1, "succeeded"), known(2), about(2, jobs.succeeded()), known(2, "succeeded"));
  expect(over).toEqual([id(2)]);
});

test("rows are the page's own, by a template or by a function", async () => {
  const list = await page.list({}, template({ name: "b", status: "i" }));
  mine().tell(known(1));
  await page.frame();
  expect(part(rows(list)[0] as HTMLElement, "name").localName).toBe("b");
  const drawn = vi.fn((row: HTMLElement, state: { readonly name: string | null }) => {
    row.textContent = `mine: ${state.name}`;
  });
  list.renderRow = drawn;
  await page.frame();
  mine().tell(known(2));
  await page.frame();
  expect(rows(list).map((row) => row.textContent)).toEqual(["mine: job 2", "mine: job 1"]);
  expect(drawn).toHaveBeenCalledTimes(2);
});

test("another channel is another list", async () => {
  const list = await listed(2);
  list.setAttribute("channel", "tag:batch 7");
  await page.frame();
  expect(rows(list)).toEqual([]);
  expect(page.source.live.map(({ channel }) => channel)).toEqual(["tag:batch 7"]);
  list.remove();
  await turn();
  expect(page.source.live).toEqual([]);
});

test("a channel that is refused is not empty, and no longer asked about", async () => {
  const list = await page.list();
  const problem = { type: "urn:pushjobs:problem:unauthorized", title: "Log in", status: 401 };
  mine().failed(new PushjobsError(problem));
  await page.frame();
  expect(text(list, "connection")).toBe("This cannot be followed: Log in");
  expect(text(list, "empty")).toBe(null);
  expect(part(list, "list").hasAttribute("aria-busy")).toBe(false);
  list.labels = { "problem:unauthorized": "Bitte anmelden" };
  await page.frame();
  expect(text(list, "connection")).toBe("This cannot be followed: Bitte anmelden");
});

test("a channel that is none is told", async () => {
  const list = await page.list({ channel: "job:7" });
  expect(text(list, "connection")).toContain('"job:7" is no channel of jobs');
});

test("what a running job has said before is read from its own channel", async () => {
  const list = await listed(2);
  page.source.last.failed(new PushjobsError({ type: "urn:x:not-found", title: "No", status: 404 }));
  const [replay, ...others] = page.source.live.filter(({ channel }) => channel !== "user:me");
  if (!replay) throw new Error("nothing is replayed");
  expect(others).toEqual([]);
  expect(replay.start.cursor).toBe("earliest");
  const told = (event: JobEvent) => ({ ...event, job: replay.channel.slice(4), channel: replay.channel });
  replay.tell(...[jobs.queued(), jobs.started(), jobs.output("early ")].map(told));
  mine().tell(about(1, jobs.output("late")), about(2, jobs.output("late")));
  replay.tell(told(jobs.output("late")));
  await page.frame();
  expect(
    rows(list)
      .map((row) => text(row, "output"))
      .sort(),
  ).toEqual(["early late", "late"]);
  expect(list.states.get(replay.channel.slice(4))?.output).toBe("early late");

  mine().tell(about(1, jobs.succeeded()), about(2, jobs.succeeded()));
  await page.frame();
  expect(rows(list).map((row) => text(row, "status"))).toEqual(["Done", "Done"]);
  list.remove();
  await turn();
  expect(page.source.live).toEqual([]);
});

test("what is not shown is not replayed, whoever reads it", async () => {
  const list = await listed(3, { limit: "1" });
  expect(list.states.size).toBe(3);
  expect(page.source.live.map(({ channel }) => channel)).toEqual(["user:me", `job:${id(3)}`]);
});

test("a list whose client is closed draws on", async () => {
  const list = await listed(2, { limit: "1" });
  page.jobs.close();
  page.source.follow = () => {
    throw new Error("the connection is closed");
  };
  part(list, "more").click();
  expect(names(list)).toEqual(["job 2", "job 1"]);
});
