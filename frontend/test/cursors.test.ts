import { expect, test } from "vitest";
import fixtures from "../../tests/protocol/cursors.json";
import { joinCursors, splitCursors } from "../src/cursors.ts";

test.each(fixtures.cases)("split: $name", ({ channels, cursors, joined }) => {
  expect(splitCursors(joined, channels.length)).toEqual(cursors);
});

test.each(fixtures.cases.filter(({ cursors }) => cursors?.some(Boolean)))(
  "join: $name",
  ({ cursors, joined }) => {
    expect(joinCursors(cursors ?? [])).toBe(joined);
  },
);

test("where no channel has a cursor there is none to send", () => {
  expect(joinCursors([null, null])).toBeNull();
});
