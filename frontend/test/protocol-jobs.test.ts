import { describe, expect, test } from "vitest";
import fixture from "../../tests/protocol/jobs.json";
import { type JobState, reduce } from "../src/job.ts";
import type { JobEvent } from "../src/wire.ts";

// The file's types are those of its examples, and some of its events are unknown ones on purpose.
const cases = fixture.cases as unknown as { name: string; events: JobEvent[]; state: object }[];

/** A state as the fixtures write it. */
function written({
  status,
  attempt,
  progress,
  output,
  outputComplete,
  result,
  error,
  over,
}: JobState): object {
  return { status, attempt, progress, output, output_complete: outputComplete, result, error, over };
}

describe("events of one job add up", () => {
  test.each(cases)("$name", ({ events, state }) => {
    let job: JobState | undefined;
    for (const event of events) job = reduce(job, event);
    expect(job && written(job)).toEqual(state);
  });

  test.each(cases)("$name, and none of the states before is touched", ({ events }) => {
    const states: JobState[] = [];
    const texts: string[] = [];
    for (const event of events) {
      const state = reduce(states.at(-1), event);
      states.push(state);
      texts.push(JSON.stringify(state));
    }
    expect(states.map((state) => JSON.stringify(state))).toEqual(texts);
  });
});
