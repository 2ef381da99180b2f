import { expect, test } from "vitest";
import { Ladder, TRANSPORTS } from "../src/ladder.ts";

const ladder = (first: string | null = null) => new Ladder(TRANSPORTS, first);

test("it begins at the top, or where it ended the last time", () => {
  expect(ladder().transport).toBe("websocket");
  expect(ladder("long-polling").transport).toBe("long-polling");
  expect(ladder("carrier-pigeon").transport).toBe("websocket");
  expect(new Ladder([], null).transport).toBeUndefined();
});

test("what has not worked yet is left after two failures", () => {
  const one = ladder();
  expect(one.failed()).toBe(false);
  expect(one.failed()).toBe(true);
  expect(one.transport).toBe("sse");
});

test("what has worked is left after three, and service in between makes up for them", () => {
  const one = ladder();
  one.heard();
  expect([one.failed(), one.failed()]).toEqual([false, false]);
  one.steady();
  expect([one.failed(), one.failed(), one.failed()]).toEqual([false, false, true]);
  expect(one.transport).toBe("sse");
});

test("what stays silent is left at once, unless it has worked before", () => {
  const one = ladder();
  expect(one.failed(true)).toBe(true);
  one.heard();
  expect(one.failed(true)).toBe(false);
  expect(one.transport).toBe("sse");
});

test("what cannot work here is left at once, even if it seemed to", () => {
  const one = ladder("long-polling");
  one.heard();
  expect(one.failed(false, true)).toBe(true);
  expect(one.transport).toBe("polling");
});

test("on the way down each has one try; where the lowest fails too it begins anew with what has worked", () => {
  const one = ladder("sse");
  one.heard();
  const onwards = Array.from({ length: 5 }, () => one.failed());
  expect(onwards).toEqual([false, false, true, true, false]);
  expect(one.transport).toBe("sse");
});

test("the better ones are tried in turn, less and less often", () => {
  const one = ladder("polling");
  const tries = Array.from({ length: 7 }, () => [one.pause, one.better()]);
  expect(tries.map(([, transport]) => transport)).toEqual([
    ...["websocket", "sse", "long-polling"],
    ...["websocket", "sse", "long-polling"],
    "websocket",
  ]);
  expect(tries.map(([pause]) => pause)).toEqual([
    30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000,
  ]);
  expect(one.better()).toBe("sse");
  one.climb();
  expect([one.transport, one.better(), one.better()]).toEqual(["sse", "websocket", "websocket"]);
});

test("at the top there is nothing better, and after good service the first pause holds again", () => {
  const one = ladder("sse");
  expect(one.better()).toBe("websocket");
  one.climb();
  expect([one.better(), one.pause]).toEqual([undefined, 60_000]);
  one.steady();
  expect(one.pause).toBe(30_000);
});
