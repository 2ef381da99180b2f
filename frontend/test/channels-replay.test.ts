import { expect, test } from "vitest";
import { Channels } from "../src/channels.ts";
import { settle } from "./environment.ts";
import { Ear, FakeSource } from "./fake-source.ts";
import { CHANNEL, output, queued, snapshot } from "./jobs.ts";

/** One follower who wants all that the log has, and one who comes before anything was told. */
function replay(cursor?: string) {
  const source = new FakeSource();
  const channels = new Channels(source);
  const [first, second] = [new Ear(), new Ear()];
  channels.follow(CHANNEL, { cursor: "earliest" }, first);
  channels.follow(CHANNEL, { cursor }, second);
  return { source, first, second };
}

test("a log whose beginning is gone begins anew with a snapshot, for who did not ask for what is left", async () => {
  const { source, first, second } = replay();
  source.last.moved("c7");
  await settle();
  source.last.at("c8", output("lo"));
  expect(source.live.map(({ start }) => start.cursor)).toEqual([undefined]);
  source.last.at("c9", snapshot({ status: "running", attempt: 1 }));
  expect([first.heard, second.heard]).toEqual([["moved c7", "snapshot c9"], ["snapshot c9"]]);
});

test("who has a cursor of its own is told nothing of the log's beginning, but the state", async () => {
  const { source, first, second } = replay("c5");
  source.last.moved("c0");
  await settle();
  expect(second.heard).toEqual([]);
  source.last.at("c1", queued());
  expect([first.heard, second.heard]).toEqual([["moved c0", "queued c1"], ["snapshot c1"]]);
});
