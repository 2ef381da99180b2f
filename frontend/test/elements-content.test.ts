// @vitest-environment happy-dom

import { beforeEach, expect, test } from "vitest";
import { Page, part, rows, template, text } from "./elements-page.ts";
import * as jobs from "./jobs.ts";

let page: Page;

beforeEach(() => {
  page = new Page();
});

const known = (id: string, name: string) => ({
  ...jobs.snapshot({ id, name, status: "succeeded", attempt: 1, result: { pages: 3 } }),
  job: id,
  name,
});

test("each row of a list shows what the page has for its result", async () => {
  const list = await page.list();
  page.source.last.tell(known("job-1", "report"), known("job-2", "report"));
  await page.frame();
  const content = document.createElement("video");
  content.slot = "result-job-1";
  list.append(content);
  const slots = rows(list).map((row) => row.querySelector("slot"));
  expect(slots.map((slot) => slot?.name)).toEqual(["result-job-2", "result-job-1"]);
  expect(slots.map((slot) => slot?.assignedElements())).toEqual([[], [content]]);
});

test("a template for rows gets by without a slot for the result", async () => {
  const list = await page.list({}, template({ name: "h3" }));
  page.source.last.tell(known("job-1", "report"));
  await page.frame();
  expect(rows(list).map((row) => row.textContent)).toEqual(["report"]);
});

test("labels say what jobs of a name are called", async () => {
  const list = await page.list({ labels: '{"reports.monthly": "Monatsbericht"}' });
  page.source.last.tell(known("job-1", "reports.monthly"), known("job-2", "other"));
  await page.frame();
  expect(rows(list).map((row) => text(row, "name"))).toEqual(["other", "Monatsbericht"]);
  list.labels = { other: "Anderes" };
  await page.frame();
  expect(rows(list).map((row) => text(row, "name"))).toEqual(["Anderes", "Monatsbericht"]);
  const one = await page.progress({
    src: "/jobs/job-1",
    name: "reports.monthly",
    labels: '{"reports.monthly": "Bericht"}',
  });
  expect(part(one, "name").textContent).toBe("Bericht");
});

test("long output is in blocks of lines, of which only the last changes", async () => {
  const element = await page.progress({ src: `/jobs/${jobs.ID}` });
  const line = `${"x".repeat(79)}\n`;
  page.source.last.tell(jobs.started(), jobs.output(line.repeat(120)), jobs.output("the "));
  await page.frame();
  const log = part(element, "output");
  const blocks = [...log.children];
  const before = blocks.map((block) => block.textContent);
  expect(before.slice(0, -1).every((text) => text.endsWith("\n") && text.length < 4_200)).toBe(true);
  expect(before.join("")).toBe(`${line.repeat(120)}the `);
  page.source.last.tell(jobs.output("end"));
  await page.frame();
  expect([...log.children], "the same nodes").toEqual(blocks);
  expect(blocks.slice(0, -1).map((block) => block.textContent)).toEqual(before.slice(0, -1));
  expect(blocks.at(-1)?.childNodes.length).toBe(1);
  expect(log.textContent).toBe(`${line.repeat(120)}the end`);
});
