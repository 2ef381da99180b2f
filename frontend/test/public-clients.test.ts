import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSource } from "eventsource";
import { describe, expect, it, vi } from "vitest";
import eventstream from "../../tests/protocol/eventstream.json";

type Heard = { id: string; event: string; data: string };

/** Where a client departs from the standard, in what this server never sends. */
const DEPARTURES: Record<string, readonly string[]> = {
  eventsource: ["lines that end with CR"],
  "@microsoft/fetch-event-source": [
    "a byte order mark anywhere else is text",
    "a line of only data is empty data, and a message",
    "an id with NULL in it is ignored",
  ],
};

const casesFor = (client: string) =>
  eventstream.cases.filter(({ name }) => !DEPARTURES[client]?.includes(name));

const TYPES = ["message", "job.queued", "job.started", "job.output"];

/** Answers with the chunks as one stream, and tells when all of it was read. */
function served(chunks: readonly string[], read: () => void): Response {
  const waiting = chunks.map((chunk) => new TextEncoder().encode(chunk));
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = waiting.shift();
      if (chunk) return controller.enqueue(chunk);
      controller.close();
      read();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

/** What the messages of a case are to a client that tells each with its own id, or with none. */
function messages(expected: readonly { id: string | null; event: string; data: string }[]): Heard[] {
  return expected.filter(({ data }) => data).map(({ id, event, data }) => ({ id: id ?? "", event, data }));
}

describe("eventsource", () => {
  it.each(casesFor("eventsource"))("$name", async ({ chunks, messages: expected }) => {
    const heard: Heard[] = [];
    await new Promise<void>((done) => {
      const source = new EventSource("http://localhost/events", {
        fetch: async () =>
          served(chunks, () =>
            setTimeout(() => {
              source.close();
              done();
            }),
          ),
      });
      for (const type of TYPES)
        source.addEventListener(type, ({ lastEventId, data }) => {
          if (data) heard.push({ id: lastEventId, event: type, data });
        });
    });
    expect(heard).toEqual(messages(expected));
  });
});

describe("@microsoft/fetch-event-source", () => {
  it.each(casesFor("@microsoft/fetch-event-source"))("$name", async ({ chunks, messages: expected }) => {
    vi.stubGlobal("window", globalThis);
    vi.stubGlobal("document", { addEventListener() {}, removeEventListener() {} });
    const heard: Heard[] = [];
    await fetchEventSource("http://localhost/events", {
      openWhenHidden: true,
      fetch: async () => served(chunks, () => {}),
      onmessage: ({ id, event, data }) => {
        if (data) heard.push({ id, event: event || "message", data });
      },
    });
    expect(heard).toEqual(messages(expected));
  });
});
