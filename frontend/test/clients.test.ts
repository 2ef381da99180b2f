import { expect, test } from "vitest";
import { clientFor } from "../src/clients.ts";

const URL = "https://example.org/jobs";

test("who asks for the same API has the same client", () => {
  expect(clientFor(URL)).toBe(clientFor(URL));
  expect(clientFor(URL)).not.toBe(clientFor("https://example.org/other/jobs"));
});

test("who asks after it was closed has a new one", () => {
  const closed = clientFor(URL);
  closed.close();
  expect(clientFor(URL)).not.toBe(closed);
  expect(clientFor(URL).connection.get().status).toBe("idle");
});
