// @vitest-environment happy-dom

import { Activity, act, StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PushjobsError } from "../src/errors.ts";
import { type FollowedJob, type UseJobOptions, useJob } from "../src/react.ts";
import type { JobDocument } from "../src/wire.ts";
import { CHANNEL, document as document_, ID, output, progress, started, succeeded } from "./jobs.ts";
import { site } from "./scripted-site.ts";

/** All that the component was rendered with. */
const rendered: FollowedJob[] = [];
let root: Root;

function Shown({ job, options }: { job: string | JobDocument | null; options: UseJobOptions }) {
  const followed = useJob(job, options);
  rendered.push(followed);
  return <output>{`${followed.status} ${followed.output}`}</output>;
}

const show = (job: string | JobDocument | null, options: UseJobOptions) =>
  act(async () => root.render(<Shown job={job} options={options} />));

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  rendered.length = 0;
  root = createRoot(document.body.appendChild(document.createElement("main")));
});

afterEach(() => {
  act(() => root.unmount());
  document.body.replaceChildren();
});

describe("useJob", () => {
  test("renders the job at each of its events, and lets go of it when the component goes", async () => {
    const { jobs, source } = site();
    await show(ID, { jobs });
    expect(document.body.textContent).toBe("null ");
    await act(async () => source.tell(started(), output("a"), output("b")));
    expect(document.body.textContent).toBe("running ab");
    expect(source.followed.map(({ channel }) => channel)).toEqual([CHANNEL]);
    await show(ID, { jobs });
    expect(source.followed).toHaveLength(1);
    act(() => root.render(null));
    expect(source.left).toEqual([CHANNEL]);
  });

  test("begins with what a document says, with its token, and takes a new document for the same job", async () => {
    const { jobs, source } = site();
    const job = document_({ token: "t1", cursor: "c1" });
    await show(job, { jobs });
    expect(rendered[0]).toMatchObject({ status: "queued", name: "demo.narrate", failure: null });
    await show({ ...job }, { jobs, token: undefined });
    expect(source.followed).toMatchObject([{ start: { token: "t1", cursor: "c1" } }]);
  });

  test("of null is idle, and another job is another subscription", async () => {
    const { jobs, source } = site();
    await show(null, { jobs });
    expect(rendered.at(-1)).toMatchObject({ id: "", status: null });
    expect(source.followed).toEqual([]);
    await show(ID, { jobs });
    await act(async () => source.tell(started()));
    await show("0192f3c8-other", { jobs, token: "t2" });
    expect(source.left).toEqual([CHANNEL]);
    expect(source.followed.at(-1)).toMatchObject({ channel: "job:0192f3c8-other", start: { token: "t2" } });
    expect(rendered.at(-1)).toMatchObject({ id: "0192f3c8-other", status: null });
    await show("0192f3c8-other", { jobs, token: "t3" });
    expect(source.followed.at(-1)?.start.token).toBe("t3");
  });

  test("in StrictMode follows once at a time, and misses nothing", async () => {
    const { jobs, source } = site();
    const job = document_({ cursor: "earliest" });
    const strict = (
      <StrictMode>
        <Shown job={job} options={{ jobs }} />
      </StrictMode>
    );
    await act(async () => root.render(strict));
    expect(source.followed.length - source.left.length).toBe(1);
    expect(source.followed.at(-1)?.start.cursor).toBe("earliest");
    await act(async () => source.tell(started(), progress(3), succeeded({ words: 2 })));
    expect(rendered.at(-1)).toMatchObject({ status: "succeeded", over: true, result: { words: 2 } });
  });

  test("tells why a job cannot be followed, beside what is known of it", async () => {
    const { jobs, source } = site();
    await show(ID, { jobs });
    const failure = new PushjobsError({ type: "urn:x:not-found", title: "No such job", status: 404 });
    await act(async () => source.tell(started()));
    await act(async () => source.followed[0]?.sink.failed(failure));
    expect(rendered.at(-1)).toMatchObject({ status: "running", failure });
  });

  test("that is back after the job's end asks for nothing, and before it, for how the job stands", async () => {
    const { jobs, source } = site();
    const job = document_({ token: "t1", cursor: "earliest" });
    const within = (mode: "hidden" | "visible") => (
      <Activity mode={mode}>
        <Shown job={job} options={{ jobs }} />
      </Activity>
    );
    await act(async () => root.render(within("visible")));
    await act(async () => source.tell(started()));
    await act(async () => root.render(within("hidden")));
    await act(async () => root.render(within("visible")));
    expect(source.followed.map(({ start }) => [start.token, start.cursor])).toEqual([
      ["t1", "earliest"],
      ["t1", undefined],
    ]);
    expect(document.body.textContent).toBe("running ");
    await act(async () => source.tell(succeeded()));
    await act(async () => root.render(within("hidden")));
    await act(async () => root.render(within("visible")));
    expect(source.followed).toHaveLength(2);
  });

  test("on a server is what the document says, without a client", () => {
    vi.stubGlobal("location", undefined);
    const html = renderToString(<Shown job={document_()} options={{}} />);
    expect(html).toBe("<output>queued </output>");
  });
});
