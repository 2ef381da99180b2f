import { element } from "./markup.js";

/** Lines that are kept; older ones go. */
const MOST = 100;

/** The list of what happened, the newest first; drawn once a frame, however much comes. */
export class EventLog {
  #list;
  #empty;
  #count;
  #waiting = [];
  #frame = 0;
  #events = 0;

  constructor({ list, empty, count }) {
    this.#list = list;
    this.#empty = empty;
    this.#count = count;
  }

  /** An event of a job, with what it is called here. */
  event(event, name) {
    this.#events += 1;
    this.#add(
      "",
      event.time,
      event.type.replace("job.", ""),
      [detail(event), name].filter(Boolean).join(" · "),
    );
  }

  /** What the visitor did, or what became of the connection. */
  note(text) {
    this.#add("fault", new Date().toISOString(), "—", text);
  }

  #add(kind, time, what, text) {
    this.#waiting.push([kind, time, what, text]);
    if (this.#waiting.length > MOST) this.#waiting.shift();
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    this.#list.prepend(...this.#waiting.splice(0).map(line).reverse());
    while (this.#list.childElementCount > MOST) this.#list.lastElementChild.remove();
    this.#empty.hidden = true;
    this.#count.textContent = this.#events.toLocaleString("en");
  }
}

function line([kind, time, what, text]) {
  const clock = new Date(time).toLocaleTimeString("en-GB");
  return element(
    "li",
    kind ? { class: kind } : {},
    element("time", { datetime: time }, clock),
    element("span", { class: "what" }, what),
    element("span", { class: "detail", title: text }, text),
  );
}

function detail({ type, data }) {
  switch (type) {
    case "job.progress":
      return data.percent === null ? String(data.done) : `${Math.floor(data.percent)} %`;
    case "job.output":
      return JSON.stringify(data.chunk.slice(0, 40));
    case "job.snapshot":
      return data.status;
    case "job.failed":
    case "job.retrying":
      return data.error.detail ?? data.error.title;
    default:
      return "";
  }
}
