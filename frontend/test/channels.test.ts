import { beforeEach, describe, expect, test } from "vitest";
import { Channels } from "../src/channels.ts";
import { type JobState, reduce } from "../src/job.ts";
import { problem } from "../src/problems.ts";
import { settle } from "./environment.ts";
import { Ear, FakeSource } from "./fake-source.ts";
import { CHANNEL, document, ID, output, progress, queued, snapshot, started, succeeded } from "./jobs.ts";

let source: FakeSource;
let channels: Channels;
let first: Ear;
let second: Ear;

beforeEach(() => {
  source = new FakeSource();
  channels = new Channels(source);
  first = new Ear();
  second = new Ear();
});

/** How the job stands for who heard all of this. */
function known({ events }: Ear): JobState | undefined {
  let job: JobState | undefined;
  for (const event of events) job = reduce(job, event);
  return job;
}

describe("one channel, several followers", () => {
  test("is one follow of the source, from where the first begins", async () => {
    channels.follow(CHANNEL, { cursor: "c0", token: "t" }, first);
    channels.follow(CHANNEL, { cursor: "c0", token: "t" }, second);
    source.last.tell(started(), output("Hello"));
    source.last.moved("c9");
    await settle();
    expect(source.follows.map(({ channel, start }) => [channel, start.cursor, start.token])).toEqual([
      [CHANNEL, "c0", "t"],
    ]);
    expect(first.heard).toEqual(["started c1", "output c2", "moved c9"]);
    expect(second.heard).toEqual(first.heard);
  });

  test("is let go with the last of them", () => {
    const stopFirst = channels.follow(CHANNEL, {}, first);
    const stopSecond = channels.follow(CHANNEL, {}, second);
    stopFirst();
    stopFirst();
    expect(source.live.length).toBe(1);
    source.last.tell(started());
    stopSecond();
    expect(source.live).toEqual([]);
    expect(first.heard).toEqual([]);
  });

  test("is followed anew once it was let go, and what stopped before does not stop it", () => {
    const stop = channels.follow(CHANNEL, { cursor: "c0" }, first);
    stop();
    channels.follow(CHANNEL, { cursor: "c5" }, second);
    stop();
    expect(source.live.map(({ start }) => start.cursor)).toEqual(["c5"]);
    channels.follow(CHANNEL, { cursor: "c5" }, first);
    expect(source.follows.length).toBe(2);
  });

  test("is apart from other channels", () => {
    channels.follow(CHANNEL, {}, first);
    channels.follow("user:me", {}, second);
    source.follows[0]?.tell(started());
    expect(source.live.length).toBe(2);
    expect(second.heard).toEqual([]);
  });

  test("ends for all of them", () => {
    channels.follow(CHANNEL, {}, first);
    channels.follow(CHANNEL, {}, second);
    source.last.tell(succeeded());
    source.last.ended();
    expect(first.heard).toEqual(["succeeded c1", "ended"]);
    expect(second.heard).toEqual(first.heard);
    channels.follow(CHANNEL, {}, new Ear());
    expect(source.live.length).toBe(1);
  });

  test("tells who stops while it is told nothing more, and the others all of it", () => {
    const stop = channels.follow(CHANNEL, {}, first);
    channels.follow(CHANNEL, {}, { ...second, event: () => stop() });
    const third = new Ear();
    channels.follow(CHANNEL, {}, third);
    source.last.tell(started(), output("Hello"));
    expect(first.heard).toEqual(["started c1"]);
    expect(third.heard).toEqual(["started c1", "output c2"]);
  });

  test("may be joined by who is being told of it", async () => {
    const join = () => channels.follow(CHANNEL, {}, second);
    channels.follow(CHANNEL, {}, { ...first, event: () => second.heard.length || join() });
    source.last.tell(started());
    await settle();
    source.last.tell(output("Hello"));
    expect(second.heard).toEqual(["snapshot c1", "output c2"]);
  });
});

describe("who comes late", () => {
  test("is told the state so far, and then what comes, each once", async () => {
    channels.follow(CHANNEL, { cursor: "earliest" }, first);
    source.last.tell(queued(), started(), output("Hello"), progress(1));
    channels.follow(CHANNEL, {}, second);
    expect(second.heard).toEqual([]);
    await settle();
    source.last.tell(output(" there"), succeeded());
    expect(second.heard).toEqual(["snapshot c4", "output c5", "succeeded c6"]);
    expect(known(second)).toEqual(known(first));
    expect(known(second)).toMatchObject({ output: "Hello there", outputComplete: true });
  });

  test("loses nothing that comes before it is told", () => {
    channels.follow(CHANNEL, { cursor: "earliest" }, first);
    source.last.tell(started(), output("Hello"));
    channels.follow(CHANNEL, {}, second);
    source.last.tell(output(" there"));
    source.last.tell(output("!"));
    expect(second.heard).toEqual(["snapshot c3", "output c4"]);
    expect(known(second)?.output).toBe("Hello there!");
  });

  test("with another cursor is told the state: there is no telling what lies between", async () => {
    channels.follow(CHANNEL, { cursor: "earliest" }, first);
    source.last.tell(started(), output("Hello"));
    channels.follow(CHANNEL, { cursor: "c1" }, second);
    await settle();
    expect(second.heard).toEqual(["snapshot c2"]);
  });

  test("with the very cursor goes on from there", async () => {
    channels.follow(CHANNEL, { cursor: "c0" }, first);
    source.last.tell(started());
    channels.follow(CHANNEL, { cursor: "c1" }, second);
    await settle();
    source.last.tell(output("Hello"));
    expect(second.heard).toEqual(["output c2"]);
  });

  test("is told the end as well, though all was told before", async () => {
    channels.follow(CHANNEL, {}, first);
    source.last.tell(succeeded());
    channels.follow(CHANNEL, {}, second);
    source.last.ended();
    expect(second.heard).toEqual(["snapshot c1", "ended"]);
    await settle();
    expect(second.heard.length).toBe(2);
  });

  test("has no cursor from a snapshot that is not all there yet", async () => {
    channels.follow("user:me", {}, first);
    source.last.at(null, snapshot({ id: "a" }));
    channels.follow("user:me", {}, second);
    await settle();
    source.last.at("c1", snapshot({ id: "b" }));
    expect(second.heard).toEqual(["snapshot null", "snapshot c1"]);
    expect(second.events.map(({ job }) => job)).toEqual(["a", "b"]);
  });

  test("is told each job, and the cursor with the last", async () => {
    channels.follow("user:me", {}, first);
    source.last.at(null, snapshot({ id: "a" }));
    source.last.at("c1", snapshot({ id: "b" }));
    channels.follow("user:me", {}, second);
    await settle();
    expect(second.heard).toEqual(["snapshot null", "snapshot c1"]);
  });

  test("is told where a channel without jobs stands", async () => {
    channels.follow("user:me", {}, first);
    source.last.moved("c1");
    channels.follow("user:me", {}, second);
    await settle();
    expect(second.heard).toEqual(["moved c1"]);
  });

  test("is told what the first brought along, before anything has come", async () => {
    const start = { cursor: "c0", document: document({ status: "running", attempt: 1, tags: ["a"] }) };
    channels.follow(CHANNEL, start, first);
    channels.follow(CHANNEL, {}, second);
    await settle();
    expect(second.heard).toEqual(["snapshot c0"]);
    expect(known(second)).toMatchObject({
      status: "running",
      outputComplete: false,
      document: { tags: ["a"] },
    });
    expect(first.heard).toEqual([]);
  });

  test("begins anew with the first, where a cursor says nothing of what was before", async () => {
    channels.follow(CHANNEL, { cursor: "c0", token: "t" }, first);
    channels.follow(CHANNEL, {}, second);
    await settle();
    expect(source.live.map(({ start }) => [start.cursor, start.token])).toEqual([[undefined, "t"]]);
    source.last.at("c2", snapshot({ status: "running", attempt: 1 }));
    expect([first.heard, second.heard]).toEqual([["snapshot c2"], ["snapshot c2"]]);
  });

  test("waits for the first word, where all is being replayed", async () => {
    channels.follow(CHANNEL, { cursor: "earliest" }, first);
    channels.follow(CHANNEL, {}, second);
    await settle();
    expect(second.heard).toEqual([]);
    source.last.tell(queued(), started());
    expect(second.heard).toEqual(["snapshot c1", "started c2"]);
    expect(known(second)).toMatchObject({ id: ID, status: "running", outputComplete: true });
  });

  test("begins anew with the first, where a cursor has told a part only", async () => {
    channels.follow(CHANNEL, { cursor: "c0" }, first);
    source.last.tell(output("lo"));
    channels.follow(CHANNEL, {}, second);
    source.last.at("c2", snapshot({ status: "running", attempt: 1, tags: ["a"] }));
    source.last.at("c3", output("!"));
    expect(source.follows.map(({ start }) => start.cursor)).toEqual(["c0", undefined]);
    expect(second.heard).toEqual(["snapshot c2", "output c3"]);
    expect(known(first)).toMatchObject({ output: "lo!", outputComplete: false });
  });

  test("of many jobs begins anew with all of them, where a cursor has told of some", async () => {
    channels.follow("user:me", { cursor: "c0" }, first);
    source.last.tell(started({ job: "a" }));
    channels.follow("user:me", {}, second);
    await settle();
    expect(source.live.map(({ start }) => start.cursor)).toEqual([undefined]);
    source.last.at(null, snapshot({ id: "a" }));
    source.last.at("c2", snapshot({ id: "b" }));
    expect(first.heard).toEqual(["started c1", "snapshot null", "snapshot c2"]);
    expect(second.heard).toEqual(["snapshot null", "snapshot c2"]);
  });

  test("may be told by another source what this one knows", async () => {
    channels.follow(CHANNEL, {}, first);
    source.last.tell(started(), output("Hello"));
    const other = new FakeSource();
    const { start } = source.last;
    new Channels(other).follow(CHANNEL, { ...start, cursor: "c2" }, new Ear());
    const relayed = other.last.start.known?.() ?? [];
    expect(relayed.map(({ data }) => data.output)).toEqual(["Hello"]);
  });

  test("hears nothing once it has stopped", async () => {
    channels.follow(CHANNEL, {}, first);
    source.last.tell(started());
    channels.follow(CHANNEL, {}, second)();
    await settle();
    source.last.tell(output("Hello"));
    expect(second.heard).toEqual([]);
  });
});

describe("a channel that cannot be followed", () => {
  const refused = problem("unauthorized", "Valid credentials are required", 401);

  test("fails for all who came with the same right", () => {
    channels.follow(CHANNEL, { token: "bad" }, first);
    channels.follow(CHANNEL, { token: "bad" }, second);
    source.last.failed(refused);
    expect([first.heard, second.heard]).toEqual([["failed unauthorized"], ["failed unauthorized"]]);
    expect(source.live).toEqual([]);
    channels.follow(CHANNEL, { token: "good" }, first);
    expect(source.live.length).toBe(1);
  });

  test("goes on for who has another token, from the same place", () => {
    channels.follow(CHANNEL, { token: "old", cursor: "earliest" }, first);
    source.last.tell(started());
    channels.follow(CHANNEL, { token: "new" }, second);
    source.last.failed(refused);
    expect(first.heard).toEqual(["started c1", "failed unauthorized"]);
    expect(source.live.map(({ start }) => start)).toMatchObject([{ token: "new", cursor: "c1" }]);
    source.last.at("c2", output("Hello"));
    expect(second.heard).toEqual(["snapshot c2"]);
  });

  test("goes on by another's right after who opened it has left", () => {
    const stop = channels.follow(CHANNEL, { token: "old" }, first);
    channels.follow(CHANNEL, { token: "new" }, second);
    stop();
    source.last.failed(refused);
    expect(source.live.map(({ start }) => start.token)).toEqual(["new"]);
    source.last.failed(refused);
    expect(second.heard).toEqual(["failed unauthorized"]);
    expect(source.live).toEqual([]);
  });
});

test("the connection's state is the source's, and to close closes it", () => {
  channels.follow(CHANNEL, {}, first);
  expect(channels.state).toBe(source.state);
  channels.close();
  expect(source.closed).toBe(true);
});
