/** What every client has to make of what a server says: `tests/protocol`. */

import { describe, expect, test } from "vitest";
import answers from "../../tests/protocol/answers.json";
import closes from "../../tests/protocol/closes.json";
import pages from "../../tests/protocol/pages.json";
import sockets from "../../tests/protocol/sockets.json";
import streams from "../../tests/protocol/streams.json";
import type { Channel, EventPage, ServerFrame } from "../src/wire.ts";
import { settle } from "./environment.ts";
import { casesOf, JOB, type Recorder, stage } from "./following.ts";

type Delivered = [Channel, string, string | null][];

/** Follow channels from cursors; what is delivered, to all of them, in its order. */
function followed(here: ReturnType<typeof stage>, cursors: Record<string, string | null>) {
  const delivered: Delivered = [];
  const positions: Record<string, string | null> = { ...cursors };
  const ended: string[] = [];
  const failed: [string, string][] = [];
  for (const [name, cursor] of Object.entries(cursors)) {
    const channel = name as Channel;
    const move = (to: string | null) => {
      positions[channel] = to ?? positions[channel] ?? null;
    };
    here.connection.follow(
      channel,
      { cursor },
      {
        event: (event, cursor) => {
          delivered.push([channel, event.type, cursor]);
          move(cursor);
        },
        moved: move,
        ended: () => void ended.push(channel),
        failed: (error) => void failed.push([channel, error.code]),
      },
    );
  }
  return { delivered, positions, ended, failed };
}

describe("close codes", () => {
  test.each(casesOf<{ name: string; code: number; then: string }>(closes))(
    "$name",
    async ({ code, then }) => {
      const here = stage({ transports: ["websocket"] });
      const tokens = ["old", "new"];
      const one: Recorder = here.follow(JOB, { token: () => tokens.shift() ?? "" });
      const socket = await here.world.socket();
      await socket.welcome();
      await here.world.pass(0);
      await socket.drop(code);
      const refused = { told: [`failed: closed-${code}`], status: "refused", left: 1 };
      const waiting = { told: [], status: "waiting", left: then === "refresh" ? 0 : 1 };
      const { status } = here.connection.state.get();
      expect({ told: one.told, status, left: tokens.length }).toEqual(then === "stop" ? refused : waiting);
    },
  );

  test("where another token is wanted and there is none, it stops", async () => {
    const here = stage({ transports: ["websocket"] });
    const one = here.follow(JOB, { token: "old" });
    const socket = await here.world.socket();
    await socket.welcome();
    await here.world.pass(0);
    await socket.drop(3501);
    expect([one.told, here.connection.state.get().status]).toEqual([["failed: closed-3501"], "refused"]);
  });
});

interface AnswerCase {
  name: string;
  transport: "sse" | "page";
  status: number;
  headers: Record<string, string>;
  body: unknown;
  then: string;
  after: number | null;
}

describe("answers", () => {
  test.each(casesOf<AnswerCase>(answers))(
    "$name",
    async ({ transport, status, headers, body, then, after }) => {
      const here = stage({ transports: [transport === "sse" ? "sse" : "polling"] });
      const { world, connection } = here;
      const tokens = ["old", "new"];
      const one = here.follow(JOB, { cursor: "c1", token: () => tokens.shift() ?? "" });
      await world.pass(0);
      const request = await world.request();
      if (then === "follow" && transport === "sse") await request.stream(status, headers).send(":\n\n");
      else request.answer(status, body, headers);
      await world.pass(0);
      const [next] = world.requests.slice(1);
      const state = connection.state.get();
      const wait = state.retryAt && state.retryAt - world.now;
      const seen =
        (one.told.includes("ended") && "over") ||
        (one.told.length > 0 && "stop") ||
        (next?.headers.get("X-Job-Authorization") === "Bearer new" && "refresh") ||
        (next?.url.search === "" && "drop-cursor") ||
        (state.status === "waiting" && "retry") ||
        (state.status === "open" && "follow");
      expect(seen).toBe(then);
      if (then === "retry") expect(wait).toBe(after === null ? 500 : after * 1_000);
    },
  );
});

interface SocketCase {
  name: string;
  cursors: Record<Channel, string | null>;
  frames: ServerFrame[];
  expect: {
    delivered: Delivered;
    cursors: Record<string, string | null>;
    ended: string[];
    failed: [string, string][];
    again: [string, string | null][];
  };
}

describe("sockets", () => {
  test.each(casesOf<SocketCase>(sockets))("$name", async ({ cursors, frames, expect: expected }) => {
    const here = stage({ transports: ["websocket"] });
    const seen = followed(here, cursors);
    const socket = await here.world.socket();
    const [welcome, ...others] = frames;
    if (welcome) await socket.say(welcome);
    await here.world.pass(0);
    socket.frames();
    await socket.say(...others);
    await here.world.pass(1_000);
    const again = socket.frames().flatMap((sent): [string, string | null][] => {
      return sent.type === "subscribe" ? [[sent.channel, sent.cursor ?? null]] : [];
    });
    // A cursor that was dropped shows in what it asks for next.
    for (const [channel, cursor] of again) seen.positions[channel] = cursor;
    const { positions, ...told } = seen;
    expect({ ...told, cursors: positions, again }).toEqual(expected);
  });
});

/** The cursor of each channel out of a joined one. */
function apart(cursor: string | null, channels: readonly Channel[]): Record<string, string | null> {
  const parts = cursor?.split("~") ?? [];
  const own = (place: number) => (parts[place] === "-" ? null : (parts[place] ?? null));
  return Object.fromEntries(channels.map((channel, place) => [channel, own(place)]));
}

interface StreamCase {
  name: string;
  channels: Channel[];
  cursor: string | null;
  chunks: string[];
  expect: { delivered: Delivered; cursors: Record<string, string | null>; ended: string[]; then: string };
}

describe("streams", () => {
  test.each(casesOf<StreamCase>(streams))("$name", async ({ channels, cursor, chunks, expect: expected }) => {
    const here = stage({ transports: ["sse"] });
    const { delivered, positions, ended, failed } = followed(here, apart(cursor, channels));
    await here.world.pass(0);
    const request = await here.world.request();
    expect(request.url.searchParams.get("cursor")).toBe(cursor);
    request.stream();
    for (const chunk of chunks) await request.send(chunk);
    await request.end();
    await here.world.pass(30_000);
    const { requests } = await here.world.unseen();
    const then = requests ? "again" : "over";
    expect({ delivered, cursors: positions, ended, then }).toEqual(expected);
    expect(failed).toEqual([]);
  });
});

interface PageCase {
  name: string;
  channels: Channel[];
  cursor: string | null;
  page: EventPage;
  expect: { delivered: Delivered; cursors: Record<string, string | null>; then: "again" | "wait" | "over" };
}

describe("pages", () => {
  test.each(casesOf<PageCase>(pages))("$name", async ({ channels, cursor, page, expect: expected }) => {
    const here = stage({ transports: ["polling"] });
    const seen = followed(here, apart(cursor, channels));
    await here.world.pass(0);
    const request = await here.world.request();
    expect(request.url.searchParams.get("cursor")).toBe(cursor);
    request.answer(200, page);
    await settle();
    const { requests } = await here.world.unseen();
    const then = seen.ended.length === channels.length ? "over" : requests ? "again" : "wait";
    expect({ delivered: seen.delivered, cursors: seen.positions, then }).toEqual(expected);
  });
});
