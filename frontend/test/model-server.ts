/** A server of the tests' own: a log of each channel, told over each transport, with faults. */

import type { SocketLike } from "../src/environment.ts";
import type { Channel, ClientFrame, JobEvent, ServerFrame } from "../src/wire.ts";
import { type FakeRequest, World } from "./environment.ts";
import { Log, type Random, type Told } from "./model-log.ts";

/** What may go wrong with what is asked now. */
export type Fault = "none" | "cut" | "busy" | "silent" | "gateway";

interface Feed {
  readonly log: (log: Log, event: JobEvent) => void;
  readonly expire: (log: Log) => void;
  readonly kill: (how: "cut" | "silent" | "away") => void;
}

export class ModelServer {
  readonly world: World;
  readonly logs = new Map<Channel, Log>();
  readonly random: Random;
  /** What was asked: requests, and sockets. */
  asked = 0;
  broken: string[] = [];
  fault: () => Fault = () => "none";
  readonly #feeds = new Set<Feed>();

  constructor(random: Random, channels: readonly Channel[]) {
    this.random = random;
    for (const channel of channels) this.logs.set(channel, new Log(channel));
    this.world = new World({
      random,
      socket: () => {
        this.asked++;
        return this.#socket();
      },
    });
    this.world.onRequest = (request) => {
      this.asked++;
      this.#answer(request);
    };
  }

  append(log: Log, last = false): void {
    const event = log.append(this.random, last);
    for (const feed of [...this.#feeds]) feed.log(log, event);
  }

  expire(log: Log, token: string): void {
    log.token = token;
    for (const feed of [...this.#feeds]) feed.expire(log);
  }

  remove(log: Log): void {
    log.gone = true;
    for (const feed of [...this.#feeds]) feed.expire(log);
  }

  /** Do this to all that is open. */
  kill(how: "cut" | "silent" | "away"): void {
    for (const feed of [...this.#feeds]) feed.kill(how);
  }

  /** One after the other, each after a while. */
  #queue(): (run: () => void) => void {
    let due = 0;
    return (run) => {
      due = Math.max(due, this.world.now + this.random() * 60);
      this.world.environment.after(due - this.world.now, run);
    };
  }

  #socket(): SocketLike {
    const [inwards, outwards] = [this.#queue(), this.#queue()];
    const subscribed = new Set<Log>();
    let open = true;
    let silent = false;
    const socket: SocketLike = {
      onopen: null,
      onmessage: null,
      onclose: null,
      send: (text) => {
        if (!open) throw new Error("closed");
        const frame: ClientFrame = JSON.parse(text);
        inwards(() => open && !silent && take(frame));
      },
      close: () => {
        open = false;
        this.#feeds.delete(feed);
      },
    };
    const say = (frame: ServerFrame) =>
      outwards(() => {
        if (open && !silent) socket.onmessage?.(new MessageEvent("message", { data: JSON.stringify(frame) }));
      });
    const drop = (code: number) => {
      if (!open) return;
      open = false;
      this.#feeds.delete(feed);
      socket.onclose?.(Object.assign(new Event("close"), { code, reason: "", wasClean: false }));
    };
    const feed: Feed = {
      log: (log, event) => {
        if (!subscribed.has(log)) return;
        say({ type: "event", channel: log.channel, ...log.told(event) });
        if (log.over) finish(log);
      },
      expire: (log) => {
        const code = log.gone ? "not_found" : "unauthorized";
        if (subscribed.delete(log)) say({ type: "error", code, detail: "", channel: log.channel });
      },
      kill: (how) => {
        if (how === "silent") silent = true;
        else drop(how === "away" ? 3001 : 1006);
      },
    };
    const finish = (log: Log) => {
      subscribed.delete(log);
      say({ type: "unsubscribed", channel: log.channel });
    };
    const take = (frame: ClientFrame) => {
      if (frame.type === "ping") return say({ type: "pong" });
      if (frame.type === "cancel") return;
      const { channel } = frame;
      const log = this.logs.get(channel);
      if (log === undefined) return;
      if (frame.type === "unsubscribe") return finish(log);
      if (subscribed.has(log)) this.broken.push(`${channel} is subscribed to twice`);
      const refuse = (code: string) => say({ type: "error", code, detail: "", channel });
      if (log.gone) return refuse("not_found");
      if (log.token !== frame.token) return refuse("unauthorized");
      if (this.fault() === "busy") return refuse("stream_unavailable");
      const replay = log.read(frame.cursor ?? null);
      if (replay === null) return refuse("invalid_cursor");
      say({ type: "subscribed", channel, recovered: replay.recovered, cursor: replay.from });
      for (const told of replay.told) say({ type: "event", channel, ...told });
      subscribed.add(log);
      if (log.over) finish(log);
    };
    const beat = () => {
      if (!open) return;
      say({ type: "pong" });
      this.world.environment.after(25_000, beat);
    };
    const fault = this.fault();
    this.#feeds.add(feed);
    if (fault === "silent") silent = true;
    if (fault === "cut" || fault === "busy" || fault === "gateway") outwards(() => drop(1006));
    say({ type: "welcome", heartbeat: 25 });
    beat();
    return socket;
  }

  #answer(request: FakeRequest) {
    const fault = this.fault();
    const later = this.#queue();
    if (fault === "silent") return;
    if (fault === "cut") return later(() => void request.cut());
    if (fault === "busy")
      return later(() =>
        request.refuse(503, "server-busy", { "Retry-After": String(1 + Math.floor(this.random() * 5)) }),
      );
    if (fault === "gateway")
      return later(() => request.answer(502, "<html>", { "Content-Type": "text/html" }));
    later(() => !request.done && this.#serve(request, later));
  }

  #serve(request: FakeRequest, later: (run: () => void) => void) {
    const { searchParams, pathname } = request.url;
    const id = /([^/]+)\/events$/.exec(pathname)?.[1];
    const names = id && id !== "jobs" ? [`job:${id}`] : searchParams.getAll("channel");
    const logs = [...this.logs.values()].filter(({ channel }) => names.includes(channel));
    logs.sort((a, b) => names.indexOf(a.channel) - names.indexOf(b.channel));
    const header = request.headers.get("X-Job-Authorization")?.slice("Bearer ".length);
    const tokens = [...searchParams.getAll("token"), ...(header ? [header] : [])];
    if (logs.some(({ gone }) => gone)) return request.refuse(404, "not-found");
    const valid = new Set(logs.map(({ token }) => token));
    if (
      logs.some(({ token }) => token && !tokens.includes(token)) ||
      tokens.some((token) => !valid.has(token))
    )
      return request.refuse(401, "unauthorized");
    const given = searchParams.get("cursor");
    const parts = given?.split("~") ?? logs.map(() => "-");
    const places = parts.map((part) => (part === "-" ? null : part));
    if (places.length !== logs.length) return request.refuse(400, "invalid-cursor");
    const replays = logs.map((log, place) => log.read(places[place] ?? null));
    if (replays.includes(null)) return request.refuse(400, "invalid-cursor");
    const join = () => {
      return places.some(Boolean) ? places.map((place) => place ?? "-").join("~") : null;
    };
    const place = (log: Log, { event, cursor }: Told): Told => {
      places[logs.indexOf(log)] = cursor ?? places[logs.indexOf(log)] ?? null;
      return { event, cursor: cursor && join() };
    };
    for (const [index, replay] of replays.entries()) places[index] = replay?.from ?? null;
    const told = replays.flatMap((replay, index) =>
      (replay?.told ?? []).map((one) => {
        const log = logs[index];
        if (!log) throw new Error("no log");
        return place(log, one);
      }),
    );
    if (request.headers.get("Accept") === "text/event-stream") this.#stream(request, logs, told, place, join);
    else this.#page(request, logs, told, place, join, later);
  }

  #stream(
    request: FakeRequest,
    logs: readonly Log[],
    told: readonly Told[],
    place: (log: Log, told: Told) => Told,
    join: () => string | null,
  ) {
    const allOver = () => logs.every(({ over }) => over);
    if (told.length === 0 && allOver()) return request.answer(204);
    request.stream();
    let text = `retry: ${Math.floor(this.random() * 2_000)}\n\n`;
    let state: "open" | "ending" | "silent" = "open";
    const write = ({ event, cursor }: Told) => {
      text += `event: ${event.type}\ndata: ${JSON.stringify(event)}\n${cursor ? `id: ${cursor}\n` : ""}\n`;
    };
    const feed: Feed = {
      log: (log, event) => {
        if (state !== "open" || !logs.includes(log)) return;
        write(place(log, log.told(event)));
        if (allOver()) state = "ending";
      },
      expire: (log) => {
        if (logs.includes(log)) state = "ending";
      },
      kill: (how) => {
        if (how === "cut") void request.cut();
        else state = how === "silent" ? "silent" : "ending";
      },
    };
    if (told.length === 0 && join()) text += `id: ${join()}\n\n`;
    for (const one of told) write(one);
    if (allOver()) state = "ending";
    const flush = () => {
      if (request.done || state === "silent") {
        this.#feeds.delete(feed);
        return;
      }
      const piece = text.slice(0, 1 + Math.floor(this.random() * 2_000));
      text = text.slice(piece.length);
      if (piece) void request.send(piece);
      if (!text && state === "ending") {
        this.#feeds.delete(feed);
        return void request.end();
      }
      this.world.environment.after(20 + this.random() * 80, flush);
    };
    const beat = () => {
      if (request.done) return;
      text += ": \n\n";
      this.world.environment.after(15_000, beat);
    };
    this.#feeds.add(feed);
    flush();
    this.world.environment.after(15_000, beat);
  }

  #page(
    request: FakeRequest,
    logs: readonly Log[],
    told: readonly Told[],
    place: (log: Log, told: Told) => Told,
    join: () => string | null,
    later: (run: () => void) => void,
  ) {
    const most = 6;
    const answer = (all: readonly Told[]) => {
      this.#feeds.delete(feed);
      const events = all.slice(0, most);
      const more = all.length > most;
      // Of the snapshots of a channel the last one moves its cursor: a page that ends before is as if there were none.
      const cursor = more ? (events.findLast((one) => one.cursor)?.cursor ?? null) : join();
      const ended = !more && logs.every(({ over }) => over);
      later(() => request.done || request.answer(200, { events, cursor, recovered: true, ended, more }));
    };
    const feed: Feed = {
      log: (log, event) => logs.includes(log) && !request.done && answer([place(log, log.told(event))]),
      expire: (log) => logs.includes(log) && answer([]),
      kill: (how) => {
        if (how === "cut") void request.cut();
        else if (how === "away") answer([]);
        this.#feeds.delete(feed);
      },
    };
    const wait = Number(/wait=(\d+)/.exec(request.headers.get("Prefer") ?? "")?.[1] ?? 0);
    if (told.length || !wait || logs.every(({ over }) => over)) return answer(told);
    this.#feeds.add(feed);
    this.world.environment.after(wait * 1_000, () => !request.done && this.#feeds.has(feed) && answer([]));
  }
}
