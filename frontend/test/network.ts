/** The other end of the client's requests and sockets, in the hands of a test. */

import type { SocketLike } from "../src/environment.ts";
import type { ClientFrame, ServerFrame } from "../src/wire.ts";

/** Let promises and streams do all that they can do without the clock. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((done) => setImmediate(done));
}

/** A request of the client, to be answered. */
export class FakeRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: RequestInit["body"];
  readonly init: RequestInit;
  /** Whether the client has given it up. */
  aborted = false;
  readonly #settle: (response: Response) => void;
  readonly #reject: (reason: unknown) => void;
  readonly response: Promise<Response>;
  readonly #settled = new AbortController();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(url: string, init: RequestInit = {}) {
    const { promise, resolve, reject } = promised<Response>();
    this.url = new URL(url, "https://example.org");
    this.init = init;
    this.method = init.method ?? "GET";
    this.headers = new Headers(init.headers);
    this.body = init.body;
    this.response = promise;
    this.#settle = resolve;
    this.#reject = reject;
    const { signal } = init;
    if (signal?.aborted) this.#abort(signal);
    else signal?.addEventListener("abort", () => this.#abort(signal), { signal: this.#settled.signal });
  }

  /** Whether it is answered to the end, failed or given up. */
  get done(): boolean {
    return this.#settled.signal.aborted;
  }

  /** Answer at once: a string as it is, anything else as JSON; without a body where it is null. */
  answer(status: number, body: unknown = null, headers: Record<string, string> = {}): void {
    const text = body === null || typeof body === "string" ? body : JSON.stringify(body);
    const type = status < 400 ? "application/json" : "application/problem+json";
    this.#settled.abort();
    this.#settle(new Response(text, { status, headers: { "Content-Type": type, ...headers } }));
  }

  /** Answer with a redirect, as a browser shows one that it is not to follow. */
  redirect(): void {
    this.#settled.abort();
    this.#settle(Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" }));
  }

  /** Answer with a problem document. */
  refuse(status: number, slug: string, headers: Record<string, string> = {}): void {
    this.answer(status, { type: `urn:pushjobs:problem:${slug}`, title: slug, status }, headers);
  }

  /** Begin an answer whose body comes bit by bit, by `send`, `end` and `cut`. */
  stream(status = 200, headers: Record<string, string> = {}): this {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#settled.abort();
      },
    });
    this.#settle(
      new Response(body, { status, headers: { "Content-Type": "text/event-stream", ...headers } }),
    );
    return this;
  }

  /** Send a part of a stream. */
  async send(text: string): Promise<void> {
    if (!this.done) this.#controller?.enqueue(new TextEncoder().encode(text));
    await settle();
  }

  /** End a stream as the server does. */
  async end(): Promise<void> {
    if (!this.done) this.#controller?.close();
    this.#settled.abort();
    await settle();
  }

  /** Break the connection: before an answer, or within a stream. */
  async cut(): Promise<void> {
    this.#break(new TypeError("network error"));
    await settle();
  }

  #abort(signal: AbortSignal): void {
    if (this.done) return;
    this.aborted = true;
    this.#break(signal.reason);
  }

  #break(reason: unknown): void {
    if (this.done) return;
    this.#settled.abort();
    this.#controller?.error(reason);
    this.#reject(reason);
  }
}

/** A socket of the client, whose other end is the test. */
export class FakeSocket implements SocketLike {
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  readonly url: string;
  /** All frames that the client has sent. */
  readonly sent: ClientFrame[] = [];
  /** Whether either end has closed it. */
  closed = false;
  #taken = 0;

  constructor(url: string) {
    this.url = url;
  }

  send(data: string): void {
    if (this.closed) return;
    const frame: ClientFrame = JSON.parse(data);
    this.sent.push(frame);
  }

  close(): void {
    this.closed = true;
  }

  /** The frames sent since the last call. */
  frames(): ClientFrame[] {
    const frames = this.sent.slice(this.#taken);
    this.#taken = this.sent.length;
    return frames;
  }

  /** Accept the connection, and welcome the client. */
  async welcome(heartbeat = 25): Promise<void> {
    this.accept();
    await this.say({ type: "welcome", heartbeat });
  }

  /** Accept the connection, and say nothing. */
  accept(): void {
    this.onopen?.(new Event("open"));
  }

  /** Send frames of the server. */
  async say(...frames: ServerFrame[]): Promise<void> {
    for (const frame of frames) {
      if (!this.closed) this.onmessage?.(new MessageEvent("message", { data: JSON.stringify(frame) }));
    }
    await settle();
  }

  /** Close it from the server's end; 1006 is a connection that broke. */
  async drop(code = 1006): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      const reason = { code, reason: "", wasClean: code !== 1006 };
      this.onclose?.(Object.assign(new Event("close"), reason));
    }
    await settle();
  }
}

/** `Promise.withResolvers`, which node 20 does not have. */
export function promised<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
