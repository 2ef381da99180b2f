/** Who follows channels in the tests of transports, and what is told to them. */

import { expect } from "vitest";
import { Connection, type ConnectionOptions } from "../src/connection.ts";
import type { PushjobsError } from "../src/errors.ts";
import type { Sink, Start } from "../src/source.ts";
import type { Channel, EventPage, JobEvent, ServerFrame } from "../src/wire.ts";
import { World } from "./environment.ts";

export const JOB = "job:0192f3c8-7d1e-7c55-9a64-0c1f6a2b3c4d";
export const OTHER = "job:0192f3c8-9b02-7e10-8f3a-5d2e7b9c1a60";

/** Remembers all that it is told. */
export class Recorder implements Sink {
  readonly told: string[] = [];
  readonly cursors: (string | null)[] = [];
  error: PushjobsError | undefined;

  event(event: JobEvent, cursor: string | null): void {
    this.told.push(event.type === "job.output" ? event.data.chunk : event.type);
    this.cursors.push(cursor);
  }

  moved(cursor: string): void {
    this.cursors.push(cursor);
  }

  ended(): void {
    this.told.push("ended");
  }

  failed(error: PushjobsError): void {
    this.error = error;
    this.told.push(`failed: ${error.code}`);
  }

  /** What was told since the last call. */
  news(): string[] {
    return this.told.splice(0);
  }
}

export interface Stage {
  readonly world: World;
  readonly connection: Connection;
  /** The states' `status`, one after the other. */
  readonly statuses: string[];
  follow(channel: Channel, start?: Start): Recorder & { stop: () => void };
}

/** A connection in a scripted world. */
export function stage(options: Partial<ConnectionOptions> = {}, world = new World()): Stage {
  const connection = new Connection({
    url: "https://example.org/jobs",
    environment: world.environment,
    ...options,
  });
  const statuses: string[] = [];
  connection.state.subscribe(({ status }) => {
    if (statuses.at(-1) !== status) statuses.push(status);
  });
  const follow = (channel: Channel, start: Start = {}) => {
    const recorder = new Recorder();
    return Object.assign(recorder, { stop: connection.follow(channel, start, recorder) });
  };
  return { world, connection, statuses, follow };
}

/** Output of the first attempt, which stands for any event. */
export function output(channel: Channel, chunk: string): JobEvent {
  return { ...head(channel), type: "job.output", data: { stream: "output", chunk } };
}

export function succeeded(channel: Channel): JobEvent {
  const data = { result: null, status_code: 200, content_type: "text/plain" };
  return { ...head(channel), type: "job.succeeded", data };
}

function head(channel: Channel) {
  const job = (channel.startsWith("job:") ? channel : JOB).slice(4);
  return { channel, job, name: "demo.narrate", attempt: 1, time: "2026-03-01T12:00:00.000Z" };
}

export function frame(event: JobEvent, cursor: string | null): ServerFrame {
  return { type: "event", channel: event.channel, cursor, event };
}

export function subscribed(channel: Channel, cursor: string | null = null): ServerFrame {
  return { type: "subscribed", channel, recovered: cursor === null ? null : true, cursor };
}

export function block(event: JobEvent, id: string | null): string {
  return `${id === null ? "" : `id: ${id}\n`}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

export function page(events: [JobEvent, string | null][], changes: Partial<EventPage> = {}): EventPage {
  const cursor = events.at(-1)?.[1] ?? null;
  const items = events.map(([event, cursor]) => ({ event, cursor }));
  return { events: items, cursor, recovered: true, ended: false, more: false, ...changes };
}

/** A JSON Web Token that expires then, in milliseconds since the epoch. */
export function jwt(expires: number, name = ""): string {
  return `${btoa("{}")}.${btoa(JSON.stringify({ exp: expires / 1_000, name }))}.signature`;
}

/** The cases of a file of `tests/protocol`, as what they are. */
export function casesOf<T>(file: { readonly cases: readonly unknown[] }): T[] {
  return JSON.parse(JSON.stringify(file.cases));
}

/** Nothing of a closed connection may be left. */
export function expectNothingLeft(world: World): void {
  expect(world.left).toEqual({ timers: 0, listeners: 0, requests: 0, sockets: 0 });
}
