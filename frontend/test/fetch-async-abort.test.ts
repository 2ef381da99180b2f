import { afterEach, describe, expect, test, vi } from "vitest";
import { fetchAsync } from "../src/fetch-async.ts";
import { CHANNEL, document, succeeded } from "./jobs.ts";
import { accepted, CANCEL, ORIGIN, REPORT, site } from "./scripted-site.ts";

const rows = () => Response.json({ rows: 3 });

afterEach(() => vi.useRealTimers());

describe("an abort", () => {
  test("before the 202 rejects with the signal's reason", async () => {
    const { jobs } = site();
    const stop = new AbortController();
    const answer = fetchAsync(REPORT, { jobs, signal: stop.signal });
    const reason = new Error("enough");
    stop.abort(reason);
    await expect(answer).rejects.toBe(reason);
    await expect(fetchAsync(REPORT, { jobs, signal: stop.signal })).rejects.toBe(reason);
  });

  test.each([
    [false, [REPORT]],
    [true, [REPORT, ORIGIN + CANCEL]],
  ])("while the job runs lets go of it, and cancels it if asked: %s", async (cancelOnAbort, urls) => {
    const { asked, jobs, source } = site(accepted(), Response.json(document(), { status: 202 }));
    const stop = new AbortController();
    const answer = fetchAsync(REPORT, { jobs, signal: stop.signal, cancelOnAbort });
    await vi.waitFor(() => expect(source.followed).toHaveLength(1));
    stop.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
    await vi.waitFor(() => expect(asked.map(({ url }) => url)).toEqual(urls));
    expect(source.left).toEqual([CHANNEL]);
    if (cancelOnAbort) expect(asked[1]?.headers.get("X-Job-Authorization")).toBe("Bearer t1");
  });

  test("while it waits to ask again, ends that", async () => {
    vi.useFakeTimers();
    const { asked, jobs, source } = site(accepted(), new TypeError());
    source.script = [succeeded()];
    const stop = new AbortController();
    const answer = fetchAsync(REPORT, { jobs, signal: stop.signal });
    const refused = expect(answer).rejects.toMatchObject({ name: "AbortError" });
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(2);
    stop.abort();
    await refused;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a timeout", () => {
  test("rejects with a TimeoutError, whatever it waits for, and cancels if asked", async () => {
    vi.useFakeTimers();
    const { asked, jobs, source } = site(accepted());
    const answer = fetchAsync(REPORT, { jobs, timeout: 1_000, cancelOnAbort: true });
    const late = expect(answer).rejects.toMatchObject({ name: "TimeoutError", constructor: DOMException });
    await vi.advanceTimersByTimeAsync(999);
    expect(source.left).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await late;
    expect(asked.map(({ url }) => url)).toEqual([REPORT, ORIGIN + CANCEL]);
  });

  test("no longer counts once the response is there", async () => {
    vi.useFakeTimers();
    const { asked } = site(rows());
    await fetchAsync(REPORT, { timeout: 1_000 });
    expect(vi.getTimerCount()).toBe(0);
    expect(asked[0]?.signal.aborted).toBe(false);
  });
});
