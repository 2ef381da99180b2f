// Follows a job: by its event stream, and by polling where the stream is cut or silent. When the job is
// over, the page goes to its response. All text comes from the page; a part that it lacks is skipped.

const QUIET = 20; // Seconds without an event after which to ask: something may hold the stream back.
const SOON = 1; // Seconds for which the stream may take to open.
const PAUSE = 3; // Seconds until a poll is repeated where no Retry-After says it.
const MOST_OUTPUT = 200_000; // Characters: a page that shows more becomes slow.
const REFUSED = [401, 403, 404, 410]; // There is nothing to wait for.
const TERMINAL = ["succeeded", "failed", "cancelled"];

const page = document.querySelector("[data-pushjobs]");
const part = (name) => page?.querySelector(`[data-pushjobs-${name}]`);
const [status, bar, message, output, link, form] = ["status", "bar", "message", "output", "link", "cancel"].map(part);
const title = document.title;

let source, timer;
let streaming = false;
let lost = false; // Whether the server could not be asked when that was last tried.
let over = false;
let cancelling = form?.querySelector("button")?.disabled ?? false;
let attempt = 0;
let shown = 0; // Characters of output.

function say(state) {
  if (state === "running" && cancelling) state = "cancelling";
  const text = status?.dataset[state];
  // A live region reads out whatever is set, even the same again.
  if (text && status.textContent !== text) status.textContent = text;
}

function showProgress(progress) {
  const percent = progress?.percent ?? null;
  const drawn = bar?.querySelector("progress");
  if (percent === null) {
    bar?.removeAttribute("aria-valuenow");
    drawn?.removeAttribute("value");
  } else {
    bar?.setAttribute("aria-valuenow", percent);
    if (drawn) drawn.value = percent;
  }
  document.title = percent === null ? title : `${Math.floor(percent)} % · ${title}`;
  if (message) message.textContent = progress?.message ?? "";
}

function showOutput(chunk) {
  if (!output) return;
  const atEnd = output.scrollHeight - output.scrollTop - output.clientHeight < 8;
  output.append(chunk);
  if ((shown += chunk.length) > MOST_OUTPUT) {
    output.textContent = output.textContent.slice(-MOST_OUTPUT / 2);
    shown = MOST_OUTPUT / 2;
  }
  output.hidden = false;
  if (atEnd) output.scrollTop = output.scrollHeight;
}

function show(job) {
  if (TERMINAL.includes(job.status)) return leave();
  say(job.status);
  showProgress(job.progress);
}

// A response that is a file leaves this page where it is: it must read well, and not ask again.
function leave() {
  if (over) return;
  over = true;
  source.close();
  clearTimeout(timer);
  say("over");
  form?.remove();
  if (status) document.title = status.textContent;
  if (link) link.textContent = link.dataset.over;
  location.replace(page.dataset.response);
}

const handlers = {
  "job.snapshot": ({ data }) => show(data),
  "job.queued": () => say("queued"),
  "job.started": () => say("running"),
  "job.progress": ({ data }) => showProgress(data),
  "job.output": ({ data }) => showOutput(data.chunk),
  "job.retrying": ({ data }) => say(data.error?.type.endsWith(":worker-stopped") ? "resuming" : "retrying"),
  "job.succeeded": leave,
  "job.failed": leave,
  "job.cancelled": leave,
};

function onEvent({ type, data }) {
  const event = JSON.parse(data);
  if (event.attempt !== attempt) {
    attempt = event.attempt; // What an earlier attempt said is void.
    output?.replaceChildren();
    shown = 0;
  }
  pollIn(QUIET);
  handlers[type](event);
}

function stream() {
  source = new EventSource(`${page.dataset.events}?cursor=earliest`);
  source.onopen = () => {
    streaming = true;
    pollIn(lost ? 0 : QUIET);
  };
  source.onerror = () => {
    // It connects again by itself, or has given up; meanwhile the page polls.
    if (streaming || source.readyState === EventSource.CLOSED) pollIn(SOON);
    streaming = false;
  };
  for (const type of Object.keys(handlers)) source.addEventListener(type, onEvent);
}

function pollIn(seconds) {
  clearTimeout(timer);
  if (!over) timer = setTimeout(poll, seconds * 1000);
}

async function poll() {
  let pause = PAUSE;
  try {
    const response = await fetch(page.dataset.document, { headers: { Accept: "application/json" } });
    if (REFUSED.includes(response.status)) return await see();
    pause = Number(response.headers.get("Retry-After")) || PAUSE;
    if (!response.ok) throw new Error(response.statusText);
    lost = false;
    pollIn(streaming ? QUIET : pause);
    show(await response.json());
  } catch {
    lost = true;
    say("offline");
    pollIn(pause);
  }
}

// The response says why one is refused; but where it is this page again, that would be loaded for ever.
async function see() {
  const response = await fetch(page.dataset.response, { method: "HEAD", headers: { Accept: "text/html" } });
  if (response.status !== 202) return leave();
  pollIn(QUIET);
}

async function cancel(submitted) {
  submitted.preventDefault();
  const button = form.querySelector("button");
  button.disabled = cancelling = true;
  say("cancelling");
  try {
    const request = { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } };
    const response = await fetch(form.action, request);
    if (response.status === 409) return leave(); // It was over before.
    if (!response.ok) throw new Error(response.statusText);
    show(await response.json());
  } catch {
    button.disabled = cancelling = false;
    say("offline");
    pollIn(SOON);
  }
}

function begin() {
  window.stop(); // Takes back the Refresh by which browsers without this script go on.
  form?.addEventListener("submit", cancel);
  pollIn(SOON);
  stream();
}

// A page that the browser had put aside has lost its stream.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
if (page) addEventListener("load", () => setTimeout(begin));
