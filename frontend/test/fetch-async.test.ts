import { afterEach, describe, expect, test, vi } from "vitest";
import { PushjobsError } from "../src/errors.ts";
import { fetchAsync } from "../src/fetch-async.ts";
import { CHANNEL, cancelled, event, failed, progress, snapshot, started, succeeded } from "./jobs.ts";
import { accepted, from, ORIGIN, REPORT, RESPONSE, site } from "./scripted-site.ts";

const rows = () => Response.json({ rows: 3 }, { status: 201, headers: { "X-Report": "yes" } });
const asText = (response: Response) => response.text();

afterEach(() => vi.useRealTimers());

describe("a view that answers at once", () => {
  test("is asked to respond asynchronously, as the caller asks besides", async () => {
    const { asked } = site(rows());
    const init = { method: "POST", body: "b", headers: { Prefer: "return=minimal", "X-Own": "1" } };
    const response = await fetchAsync(REPORT, init);
    expect(await response.json()).toEqual({ rows: 3 });
    const [request] = asked;
    expect(request?.headers.get("Prefer")).toBe("return=minimal, respond-async");
    expect(request?.headers.get("X-Own")).toBe("1");
    expect(await request?.text()).toBe("b");
  });

  test("is asked with a Request, whose body is used once", async () => {
    const { asked } = site(rows());
    const request = new Request(REPORT, {
      method: "PUT",
      body: "b",
      credentials: "include",
      redirect: "manual",
    });
    await fetchAsync(request);
    expect(request.bodyUsed).toBe(true);
    const [sent] = asked;
    expect(sent).toMatchObject({ method: "PUT", credentials: "include", redirect: "manual" });
    expect(await sent?.text()).toBe("b");
  });

  test("gives its own 202, which names no job to follow", async () => {
    const { source } = site(Response.json({ id: 1 }, { status: 202, headers: { Link: '</x>; rel="next"' } }));
    const response = await fetchAsync(REPORT);
    expect([response.status, await response.json()]).toEqual([202, { id: 1 }]);
    expect(source.followed).toEqual([]);
  });

  test("gives an answer that is no 202, whatever it links to", async () => {
    const link = accepted().headers.get("Link") ?? "";
    const { source } = site(Response.json([], { headers: { Link: link } }));
    expect((await fetchAsync(REPORT)).status).toBe(200);
    expect(source.followed).toEqual([]);
  });

  test("that cannot be reached is the TypeError of fetch", async () => {
    const error = new TypeError("Failed to fetch");
    site(error);
    await expect(fetchAsync(REPORT)).rejects.toBe(error);
  });
});

describe("a view that is put off", () => {
  test("is answered with the response of its job", async () => {
    const { asked, jobs, source } = site(accepted(), rows());
    source.script = [started(), succeeded()];
    const response = await fetchAsync(REPORT, { jobs });
    expect([response.status, response.headers.get("X-Report")]).toEqual([201, "yes"]);
    expect(await response.json()).toEqual({ rows: 3 });
    expect(source.followed).toMatchObject([{ channel: CHANNEL, start: { token: "t1", cursor: "earliest" } }]);
    expect(source.left).toEqual([CHANNEL]);
    expect(asked.map(({ url }) => url)).toEqual([REPORT, RESPONSE]);
  });

  test("is asked for its response as it was asked for, less what was about the request alone", async () => {
    const { asked, jobs, source } = site(accepted(), rows());
    source.script = [succeeded()];
    const headers = {
      Accept: "text/csv",
      Authorization: "Basic x",
      "Content-Type": "text/plain",
      "Idempotency-Key": "k",
      "If-None-Match": '"e"',
      Range: "bytes=0-1",
    };
    const init = {
      method: "POST",
      body: "b",
      headers,
      cache: "no-store",
      credentials: "include",
      redirect: "error",
    } as const;
    await fetchAsync(REPORT, { ...init, jobs });
    const second = asked[1];
    expect(second).toMatchObject({
      method: "GET",
      body: null,
      cache: "no-store",
      credentials: "include",
      redirect: "error",
    });
    expect(Object.fromEntries(second?.headers ?? [])).toEqual({
      accept: "text/csv",
      authorization: "Basic x",
      "x-job-authorization": "Bearer t1",
    });
  });

  test("and whose job was accepted before, is asked for its response without a token", async () => {
    const { asked, jobs, source } = site(accepted({}), rows());
    source.script = [succeeded()];
    await fetchAsync(RESPONSE, { jobs });
    expect(asked[1]?.headers.has("X-Job-Authorization")).toBe(false);
  });

  test("asked with HEAD, is asked for its response with HEAD", async () => {
    const { asked, jobs, source } = site(accepted(), new Response(null));
    source.script = [succeeded()];
    await fetchAsync(REPORT, { method: "HEAD", jobs });
    expect(asked[1]?.method).toBe("HEAD");
  });

  test.each([
    ["failed", failed(), 422],
    ["was cancelled", cancelled(), 410],
  ])("and whose job %s, is answered with a response all the same", async (_, end, status) => {
    const { jobs, source } = site(accepted(), Response.json({ status }, { status }));
    source.script = [end];
    const response = await fetchAsync(REPORT, { jobs });
    expect([response.status, response.ok]).toEqual([status, false]);
  });

  test("seems to be answered by itself, and so do the response's copies", async () => {
    const { jobs, source } = site(accepted(), rows());
    source.script = [succeeded()];
    const response = await fetchAsync(`${REPORT}#part`, { jobs });
    for (const seen of [response, response.clone(), response.clone().clone()]) {
      expect(seen).toMatchObject({ url: REPORT, redirected: false });
      expect(await seen.json()).toEqual({ rows: 3 });
    }
  });

  test("shows the redirect that leads to it, or that it answers with", async () => {
    const { jobs, source } = site(from(`${REPORT}/`, accepted(), true), rows());
    source.script = [succeeded()];
    expect(await fetchAsync(REPORT, { jobs })).toMatchObject({ url: `${REPORT}/`, redirected: true });

    const other = site(accepted(), from(`${ORIGIN}/arrived`, rows(), true));
    other.source.script = [succeeded()];
    expect(await fetchAsync(REPORT, { jobs: other.jobs })).toMatchObject({
      url: `${ORIGIN}/arrived`,
      redirected: true,
    });
  });

  test("and asked for HTML, is waited for without its page", async () => {
    const link = (await accepted().headers.get("Link")) ?? "";
    const page = new Response("Please wait", {
      status: 202,
      headers: { Link: link, "Content-Type": "text/html" },
    });
    const { asked, jobs, source } = site(from(RESPONSE, page, true), new Response("<p>Done"));
    source.script = [snapshot({ status: "succeeded" })];
    const response = await fetchAsync(REPORT, { headers: { Accept: "text/html" }, jobs });
    expect(await response.text()).toBe("<p>Done");
    expect(asked[1]?.headers.has("X-Job-Authorization")).toBe(false);
  });

  test("tells how far it is, each progress once", async () => {
    const { jobs, source } = site(accepted(), rows());
    source.script = [
      snapshot({
        status: "running",
        attempt: 1,
        progress: { done: 1, total: 4, percent: 25, message: null },
      }),
      progress(2),
      event("job.output", { stream: "output", chunk: "half" }),
      progress(3),
      succeeded(),
    ];
    const told: unknown[] = [];
    await fetchAsync(REPORT, { jobs, onProgress: ({ done }) => told.push(done) });
    expect(told).toEqual([1, 2, 3]);
  });
});

describe("after the 202", () => {
  test("a network that fails is tried again", async () => {
    vi.useFakeTimers();
    const { asked, jobs, source } = site(accepted(), new TypeError(), new TypeError(), rows());
    source.script = [succeeded()];
    const answer = fetchAsync(REPORT, { jobs });
    await vi.runAllTimersAsync();
    expect((await answer).status).toBe(201);
    expect(asked).toHaveLength(4);
  });

  test("a network that fails for good is the TypeError of fetch", async () => {
    vi.useFakeTimers();
    const { jobs, source } = site(accepted(), ...Array.from({ length: 6 }, () => new TypeError("gone")));
    source.script = [succeeded()];
    const answer = expect(fetchAsync(REPORT, { jobs })).rejects.toThrow("gone");
    await vi.runAllTimersAsync();
    await answer;
  });

  test("the token is shown to a redirect only where the session does not do", async () => {
    const moved = event("job.succeeded", { result: null, status_code: 302, content_type: "text/html" });
    const tokens = (asked: Request[]) =>
      asked.slice(1).map(({ headers: all }) => all.get("Authorization") ?? all.get("X-Job-Authorization"));
    const names = (request?: Request) =>
      [...(request?.headers.keys() ?? [])].filter((name) => /auth/.test(name));
    const arrived = () => from(`${ORIGIN}/arrived`, new Response(null, { status: 404 }), true);
    const user = site(accepted(), arrived());
    user.source.script = [moved];
    expect((await fetchAsync(REPORT, { jobs: user.jobs })).status).toBe(404);
    expect(tokens(user.asked)).toEqual([null]);

    const stranger = site(accepted(), new Response(null, { status: 401 }), arrived());
    stranger.source.script = [moved];
    expect((await fetchAsync(REPORT, { jobs: stranger.jobs })).status).toBe(404);
    expect(tokens(stranger.asked)).toEqual([null, "Bearer t1"]);
    // Which a browser does not take along to another origin.
    expect(names(stranger.asked.at(-1))).toEqual(["authorization"]);

    const own = site(accepted(), new Response(null, { status: 401 }), arrived());
    own.source.script = [moved];
    await fetchAsync(REPORT, { jobs: own.jobs, headers: { Authorization: "Basic x" } });
    expect(names(own.asked.at(-1))).toEqual(["authorization", "x-job-authorization"]);
  });

  test("a job whose response is not known to be no redirect is shown the token likewise", async () => {
    const { asked, jobs, source } = site(accepted(), rows());
    source.script = [snapshot({ status: "succeeded" })];
    await fetchAsync(REPORT, { jobs });
    expect(asked[1]?.headers.get("Authorization")).toBe("Bearer t1");
    expect(asked[1]?.headers.has("X-Job-Authorization")).toBe(false);
  });

  test("HEAD is not put off, unless it always is: then the session opens its job", async () => {
    const link = accepted().headers.get("Link") ?? "";
    const bodiless = new Response(null, { status: 202, headers: { Link: link } });
    const { asked, jobs, source } = site(bodiless, new Response(null, { headers: { "X-Report": "yes" } }));
    source.script = [succeeded()];
    const response = await fetchAsync(REPORT, { jobs, method: "HEAD" });
    expect([response.status, response.headers.get("X-Report")]).toEqual([200, "yes"]);
    expect(asked.map(({ method, headers }) => [method, headers.get("Prefer")])).toEqual([
      ["HEAD", null],
      ["HEAD", null],
    ]);
    expect(source.followed[0]?.channel).toBe(CHANNEL);
  });

  test("a redirect that may not be followed is a TypeError at once", async () => {
    const error = new TypeError("redirected");
    const { jobs, source } = site(accepted(), error);
    source.script = [event("job.succeeded", { result: null, status_code: 302, content_type: "text/html" })];
    await expect(fetchAsync(REPORT, { jobs, redirect: "error" })).rejects.toBe(error);
  });

  test("a server that is busy is asked again when it says, and a job's own 503 is taken", async () => {
    vi.useFakeTimers();
    const busy = () => new Response("busy", { status: 503, headers: { "Retry-After": "7" } });
    const { asked, jobs, source } = site(accepted(), busy(), rows());
    source.script = [succeeded()];
    const answer = fetchAsync(REPORT, { jobs });
    await vi.advanceTimersByTimeAsync(6_900);
    expect(asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect((await answer).status).toBe(201);

    const own = site(accepted(), busy());
    own.source.script = [
      event("job.succeeded", { result: null, status_code: 503, content_type: "text/plain" }),
    ];
    expect(await fetchAsync(REPORT, { jobs: own.jobs }).then(asText)).toBe("busy");
  });

  test("a job that cannot be followed is waited for at its response's URL", async () => {
    vi.useFakeTimers();
    const { asked, jobs, source } = site(accepted(), accepted(), accepted(), rows());
    const answer = fetchAsync(REPORT, { jobs });
    await vi.advanceTimersByTimeAsync(0);
    source.followed[0]?.sink.failed(new PushjobsError({ type: "x:forbidden", title: "No", status: 403 }));
    await vi.runAllTimersAsync();
    expect((await answer).status).toBe(201);
    expect(asked.map(({ headers }) => headers.get("Prefer"))).toEqual([
      "respond-async",
      null,
      "wait=20",
      "wait=20",
    ]);
  });
});
