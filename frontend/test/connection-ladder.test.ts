import { expect, test } from "vitest";
import { type FakeRequest, World } from "./environment.ts";
import { block, expectNothingLeft, frame, JOB, output, page, stage, subscribed } from "./following.ts";

const MEMORY = "pushjobs:transport:https://example.org/jobs";

test("a socket that opens and stays silent is left after five seconds for a stream", async () => {
  const { world, follow, connection } = stage();
  const one = follow(JOB, { cursor: "c1" });
  const socket = await world.socket();
  socket.accept();
  await world.pass(4_999);
  expect(socket.closed).toBe(false);
  await world.pass(1);
  const request = await world.request();
  expect([socket.closed, request.url.search]).toEqual([true, "?cursor=c1"]);
  await request.stream().send(block(output(JOB, "a"), "c2"));
  expect(connection.state.get()).toMatchObject({ status: "open", transport: "sse" });
  expect([one.told, world.memory.get(MEMORY)]).toEqual([["a"], "sse"]);
});

test("a stream that something in between holds back is left for pages", async () => {
  const { world, follow, connection } = stage({ transports: ["sse", "polling"] });
  const one = follow(JOB);
  await world.pass(0);
  const buffered = (await world.request()).stream();
  await world.pass(5_000);
  expect(buffered.done).toBe(true);
  (await world.request()).answer(200, page([[output(JOB, "a"), "c1"]]));
  await world.pass(0);
  expect([one.told, connection.state.get().transport]).toEqual([["a"], "polling"]);
});

test("where nothing connects it goes down the ladder, waits, and begins anew", async () => {
  const { world, follow, statuses, connection } = stage();
  const tried: (string | null)[] = [];
  world.onSocket = (socket) => {
    queueMicrotask(() => {
      tried.push(connection.state.get().transport);
      void socket.drop();
    });
  };
  world.onRequest = (request) => {
    tried.push(connection.state.get().transport);
    void request.cut();
  };
  follow(JOB);
  for (let minute = 0; minute < 5 && tried.length < 6; minute++) await world.pass(60_000);
  expect(tried.slice(0, 6)).toEqual([
    ...["websocket", "websocket", "sse", "long-polling", "polling"],
    "websocket",
  ]);
  expect(new Set(statuses)).toEqual(new Set(["idle", "connecting", "waiting"]));
});

test("what is remembered is tried first; a better one is tried later, and takes over without a gap", async () => {
  const world = new World();
  world.memory.set(MEMORY, "sse");
  const { follow, connection, statuses } = stage({}, world);
  const one = follow(JOB);
  await world.pass(0);
  const stream = (await world.request()).stream();
  await stream.send(block(output(JOB, "a"), "c1"));
  await world.pass(30_000);
  const socket = await world.socket();
  await stream.send(block(output(JOB, "b"), "c2"));
  await socket.welcome();
  expect(stream.done).toBe(true);
  await world.pass(0);
  expect(socket.frames()).toContainEqual({ type: "subscribe", channel: JOB, cursor: "c2" });
  await socket.say(subscribed(JOB, "c2"), frame(output(JOB, "c"), "c3"));
  expect(one.told).toEqual(["a", "b", "c"]);
  expect(connection.state.get().transport).toBe("websocket");
  expect([world.memory.get(MEMORY), statuses]).toEqual(["websocket", ["idle", "connecting", "open"]]);
  await world.pass(25_000);
  expect(await world.unseen()).toEqual({ requests: 0, sockets: 0 });
});

test("a better one that does not work is let be, and tried again after twice as long", async () => {
  const world = new World();
  world.memory.set(MEMORY, "sse");
  const { follow, connection } = stage({ transports: ["websocket", "sse"] }, world);
  const one = follow(JOB);
  await world.pass(0);
  const stream = (await world.request()).stream();
  const beat = async (times: number) => {
    for (; times; times--) {
      await stream.send(":\n\n");
      await world.pass(15_000);
    }
  };
  await beat(2);
  const silent = await world.socket();
  silent.accept();
  await stream.send(block(output(JOB, "a"), "c1"));
  await beat(4);
  expect([silent.closed, (await world.unseen()).sockets]).toEqual([true, 0]);
  await beat(1);
  await (await world.socket()).drop();
  await stream.send(block(output(JOB, "b"), "c2"));
  expect([one.told, connection.state.get()]).toMatchObject([
    ["a", "b"],
    { status: "open", transport: "sse" },
  ]);
  expect(await world.unseen()).toEqual({ requests: 0, sockets: 0 });
});

test("from pages to a stream: what both bring is told once", async () => {
  const world = new World({ socket: undefined });
  world.memory.set(MEMORY, "polling");
  const { follow, connection } = stage({ transports: ["sse", "polling"] }, world);
  const one = follow(JOB);
  const streams: FakeRequest[] = [];
  let polled = 0;
  world.onRequest = (request) => {
    if (request.headers.get("Accept") === "text/event-stream") streams.push(request.stream());
    else request.answer(200, page([[output(JOB, `p${++polled}`), `c${polled}`]]));
  };
  await world.pass(30_000);
  const [trial] = streams;
  const before = polled;
  await world.pass(2_000);
  expect(polled).toBe(before + 2); // It goes on while the stream is tried.
  await trial?.send(block(output(JOB, "muted"), "c31"));
  await world.pass(0);
  const stream = streams[1];
  expect([trial?.done, stream?.url.search]).toEqual([true, `?cursor=c${polled}`]);
  await stream?.send(block(output(JOB, "s"), "c99"));
  await world.pass(10_000);
  expect(one.told).toEqual([...Array.from({ length: polled }, (_, place) => `p${place + 1}`), "s"]);
  expect(connection.state.get()).toMatchObject({ status: "open", transport: "sse" });
});

test("down in mid-job: the stream goes on where the socket was", async () => {
  const { world, follow } = stage();
  const one = follow(JOB);
  const first = await world.socket();
  await first.welcome();
  await world.pass(0);
  await first.say(subscribed(JOB), frame(output(JOB, "a"), "c1"));
  world.onSocket = (socket) => queueMicrotask(() => void socket.drop());
  await first.drop();
  await world.pass(1_500);
  const request = await world.request();
  expect(request.url.search).toBe("?cursor=c1");
  await request.stream().send(block(output(JOB, "b"), "c2"));
  expect(one.told).toEqual(["a", "b"]);
  expect(world.sockets).toHaveLength(3); // What has worked is tried twice more.
});

test("a restart of the server is waited out on the same rung", async () => {
  const { world, follow, connection } = stage();
  follow(JOB);
  const first = await world.socket();
  await first.welcome();
  await world.pass(20_000);
  await first.say({ type: "pong" });
  await first.drop(3001);
  await world.pass(500);
  await (await world.socket()).drop();
  await world.pass(1_000);
  await (await world.socket()).welcome();
  expect(connection.state.get()).toMatchObject({ status: "open", transport: "websocket" });
});

test("a server that accepts and closes at once, for ever, makes no busy loop", async () => {
  const world = new World();
  world.chance = 0; // The worst of dice.
  const { follow, connection } = stage({}, world);
  follow(JOB);
  world.onSocket = (socket) => queueMicrotask(() => void socket.welcome().then(() => socket.drop(3001)));
  world.onRequest = (request) => {
    if (request.headers.get("Accept") === "application/json") void request.cut();
    else
      void request
        .stream()
        .send("retry: 0\n\n")
        .then(() => request.end());
  };
  await world.pass(10_000);
  expect(world.sockets.length + world.requests.length).toBeLessThan(200);
  world.chance = 1;
  const before = world.sockets.length + world.requests.length;
  await world.pass(300_000);
  expect(world.sockets.length + world.requests.length - before).toBeLessThan(60);
  connection.close();
  await world.pass(0);
  expectNothingLeft(world);
});

test("a platform that refuses to make a socket at all has the others", async () => {
  const world = new World({
    socket: () => {
      throw new DOMException("insecure", "SecurityError");
    },
  });
  const { follow, connection } = stage({}, world);
  follow(JOB);
  await world.pass(2_000);
  await (await world.request()).stream().send(":\n\n");
  expect(connection.state.get()).toMatchObject({ status: "open", transport: "sse" });
});
