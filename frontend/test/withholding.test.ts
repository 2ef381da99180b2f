import { expect, test } from "vitest";
import { withhold } from "../src/tabs/withholding.ts";
import { JOB, pagesOf, settle } from "./browsers.ts";
import { output } from "./diary.ts";
import { snapshot } from "./jobs.ts";

const event = (number: number) => ({ event: output(number), cursor: `c${number}` });

/** What a follower that stands at `cursor` is told; its server has outputs 1 to 6, in pages of two. */
function follower(cursor: string, read = async (shown: string) => pagesOf(6)(JOB, shown)) {
  const told: unknown[] = [];
  const hear = withhold({
    ...{ cursor, read, deliver: ({ cursor }) => told.push(cursor) },
    ...{ refuse: () => told.push("refused"), restart: () => told.push("restarted") },
  });
  return { told, hear };
}

test("who is ahead of the other tab is told nothing twice", async () => {
  const { told, hear } = follower("c3");
  hear({ cursor: "c0" });
  for (const number of [1, 2]) hear(event(number));
  await settle();
  for (const number of [3, 4]) hear(event(number));
  expect(told).toEqual(["c4"]);
});

test("who stands at progress that the other tab is not told, since newer is there, hears on", async () => {
  const { told, hear } = follower("c3");
  hear({ cursor: "c0" });
  await settle();
  for (const number of [1, 2, 4, 5]) hear(event(number));
  expect(told).toEqual(["c4", "c5"]);
});

test("who is ahead goes not back where the other tab connects anew on its way there", async () => {
  const { told, hear } = follower("c4");
  hear({ cursor: "c0" });
  await settle();
  for (const item of [event(1), event(2), { cursor: "c2" }, event(3), event(4), event(5)]) hear(item);
  expect(told).toEqual(["c5"]);
});

test("who cannot read all that is lacking goes on alone, and is told no state in its place", async () => {
  const { told, hear } = follower("c1", async (shown) => {
    if (shown === "c3") throw new TypeError("the network is down");
    return pagesOf(6)(JOB, shown);
  });
  hear({ event: snapshot(), cursor: "c5" });
  await settle();
  expect(told).toEqual(["refused"]);
});

test("who lacks more than a few pages goes on alone, where all of it is told", async () => {
  const { told, hear } = follower("c1", async (shown) => pagesOf(40)(JOB, shown));
  hear({ cursor: "c40" });
  await settle();
  expect(told).toEqual(["refused"]);
});
