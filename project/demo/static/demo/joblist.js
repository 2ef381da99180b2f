import { element } from "./markup.js";
import { preview } from "./previews.js";

/** What the jobs of this page are called, and what the list says without any. */
const LABELS = {
  empty: "Nothing yet. Start a job, and watch it here.",
  "demo.profile_csv": "Profile of a table",
  "demo.compress_video": "Compression of a video",
  "demo.narrate": "Narration",
  "pushjobs.view": "Report of a slow view",
};

/** The list of the visitor's jobs, with a preview of each result. */
export class JobList {
  #root;
  #url;
  #list = null;
  #shown = new Set();

  /** `url` is that of the API. */
  constructor(root, url) {
    this.#root = root;
    this.#url = url;
  }

  /** Show the jobs that this client, or what stands in for one, follows. */
  follow(jobs) {
    this.#list = element("job-list", { channel: "user:me" });
    this.#list.jobs = jobs;
    this.#list.labels = LABELS;
    this.#root.querySelector("[data-fallback]")?.remove();
    this.#root.querySelector("[data-nothing]").hidden = true;
    this.#root.append(this.#list);
  }

  nameOf({ name }) {
    return LABELS[name] ?? name;
  }

  /** Show the result of a job that has one, once. */
  preview(state) {
    if (this.#shown.has(state.id)) return;
    const made = preview(state, `${this.#url}/${state.id}/response`);
    if (!made) return;
    this.#shown.add(state.id);
    made.slot = `result-${state.id}`;
    this.#list.append(made);
  }
}
