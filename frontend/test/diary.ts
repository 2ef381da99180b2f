/** Who follows a job and writes down what is told. */

import type { PushjobsError } from "../src/errors.ts";
import type { Sink } from "../src/source.ts";
import type { JobEvent } from "../src/wire.ts";

/** A job's output of this number. */
export function output(number: number): JobEvent<"job.output"> {
  return {
    ...{ channel: "job:1", job: "1", name: "narrate", attempt: 1, time: `2026-01-01T00:00:${number}Z` },
    ...{ type: "job.output", data: { stream: "output", chunk: `${number} ` } },
  };
}

/** Writes down what it is told: the chunks of output, `[…]` around a snapshot's, and the end. */
export class Diary implements Sink {
  readonly lines: string[] = [];
  cursor: string | null = null;

  event(event: JobEvent, cursor: string | null): void {
    if (event.type === "job.output") this.lines.push(event.data.chunk.trim());
    if (event.type === "job.snapshot") this.lines.push(`[${event.data.output?.trim()}]`);
    this.cursor = cursor ?? this.cursor;
  }

  moved(cursor: string): void {
    this.cursor = cursor;
  }

  ended(): void {
    this.lines.push("ended");
  }

  failed(error: PushjobsError): void {
    this.lines.push(error.code);
  }

  get text(): string {
    return this.lines.join(" ");
  }
}
