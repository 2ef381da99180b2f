import { expect, test } from "vitest";
import { backoff, retryAfter } from "../src/backoff.ts";

test("the wait doubles with each failure, up to half a minute", () => {
  const waits = [1, 2, 3, 4, 5, 6, 50].map((failures) => backoff(failures, () => 1));
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("the jitter is full, and never makes a busy loop", () => {
  expect(backoff(4, () => 0.5)).toBe(4_000);
  expect(backoff(4, () => 0)).toBe(100);
});

test.each([
  ["120", 120_000],
  ["0", 0],
  ["Thu, 01 Jan 1970 00:01:00 GMT", 50_000],
  ["Thu, 01 Jan 1970 00:00:05 GMT", 0],
  ["soon", null],
  ["", null],
])("Retry-After: %s", (text, wait) => {
  expect(retryAfter(new Headers({ "Retry-After": text }), 10_000)).toBe(wait);
});
