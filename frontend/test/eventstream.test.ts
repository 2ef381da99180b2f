import { expect, test } from "vitest";
import fixtures from "../../tests/protocol/eventstream.json";
import { EventStream } from "../src/eventstream.ts";

test.each(fixtures.cases)("$name", ({ chunks, messages, last_id, retry }) => {
  const stream = new EventStream();
  expect(chunks.flatMap((chunk) => stream.push(chunk))).toEqual(messages);
  expect(stream.lastId).toBe(last_id);
  expect(stream.retry).toBe(retry);
});

test.each(fixtures.cases)("one character at a time: $name", ({ chunks, messages, last_id, retry }) => {
  const stream = new EventStream();
  const text = chunks.join("");
  expect([...text].flatMap((character) => stream.push(character))).toEqual(messages);
  expect([stream.lastId, stream.retry]).toEqual([last_id, retry]);
});

test("a message is told as soon as its last line's CR is there", () => {
  expect(new EventStream().push("data: a\r\r")).toHaveLength(1);
});
