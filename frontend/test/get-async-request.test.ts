/// <reference types="node" />

import { expect, test, vi } from "vitest";
import { getAsyncRequest } from "../src/get-async-request.ts";
import { REPORT, site } from "./scripted-site.ts";

/** Waits for one of both handlers: which one was called, and with what. */
const settled = (request: ReturnType<typeof getAsyncRequest>) =>
  new Promise<[string, unknown, ...unknown[]]>((resolve) => {
    const same = request
      .success((...all) => resolve(["success", ...all]))
      .error((why) => resolve(["error", why]));
    expect(same).toBe(request);
  });

test("a success is told the body as JSON where it is JSON", async () => {
  const { asked } = site(Response.json({ rows: 3 }, { headers: { "Content-Type": "application/geo+json" } }));
  expect(await settled(getAsyncRequest(REPORT))).toMatchObject(["success", { rows: 3 }, { status: 200 }]);
  expect(asked[0]?.headers.get("Prefer")).toBe("respond-async");
});

test("a success is told any other body as text, and so is who asks later", async () => {
  site(new Response("three rows", { headers: { "Content-Type": "text/plain" } }));
  const request = getAsyncRequest(new URL(REPORT));
  expect(await settled(request)).toMatchObject(["success", "three rows", {}]);
  expect(await settled(request)).toMatchObject(["success", "three rows", {}]);
});

test("an error is told the response that refuses", async () => {
  const refused = new Response("no", { status: 403 });
  site(refused);
  expect(await settled(getAsyncRequest(REPORT))).toEqual(["error", refused]);
});

test("an error is told why there is no response, or no such body", async () => {
  const lost = new TypeError("lost");
  site(lost, new Response("{", { headers: { "Content-Type": "application/json" } }));
  expect(await settled(getAsyncRequest(REPORT))).toEqual(["error", lost]);
  expect(await settled(getAsyncRequest(REPORT))).toMatchObject(["error", { name: "SyntaxError" }]);
});

test("an error is told that the time is over", async () => {
  vi.useFakeTimers();
  site();
  const end = settled(getAsyncRequest(REPORT, 50));
  await vi.advanceTimersByTimeAsync(50);
  expect(await end).toMatchObject(["error", { name: "TimeoutError" }]);
  vi.useRealTimers();
});

test("an error that no one handles is no unhandled rejection, and one of a handler is", async () => {
  const unhandled = vi.fn();
  // In the place of vitest's own listener, by which the test would fail.
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection").on("unhandledRejection", unhandled);
  try {
    site(new TypeError("lost"), Response.json(1));
    getAsyncRequest(REPORT);
    const mistake = new Error("in the handler");
    getAsyncRequest(REPORT).success(() => {
      throw mistake;
    });
    await vi.waitFor(() => expect(unhandled).toHaveBeenCalled());
    expect(unhandled.mock.calls.map(([error]) => error)).toEqual([mistake]);
  } finally {
    process.removeListener("unhandledRejection", unhandled);
    for (const listener of others) process.on("unhandledRejection", listener);
  }
});
