import { element } from "./markup.js";

/** A form that starts a job where it is: the page stays, and the job appears in the list. */
export class StartForm {
  #form;
  #submit;
  #error;
  #started;
  #busy = false;

  /** `submit(name, args, files)` starts the job; it rejects with an Error for the visitor to read. */
  constructor(form, submit) {
    this.#form = form;
    this.#submit = submit;
    this.#error = form.querySelector("[data-error]");
    this.#started = form.querySelector("[data-started]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start(() => (this.takesFile ? this.#sample() : this.#fields()));
    });
    this.#input?.addEventListener("change", ({ target }) => {
      const [file] = target.files;
      target.value = ""; // So that the same file may be chosen again.
      if (file) this.file(file);
    });
  }

  get takesFile() {
    return this.#form.dataset.file !== undefined;
  }

  /** Whether the form is the place for a file that was dropped on `target`. */
  fits(file, target) {
    if (!this.takesFile) return false;
    if (target.closest("form[data-file]")) return this.#form.contains(target);
    return (this.#form.dataset.file === "video") === file.type.startsWith("video/");
  }

  /** Start with the visitor's own file. */
  file(file) {
    return this.#start(async () => [{}, { [this.#form.dataset.file]: file }]);
  }

  get #input() {
    return this.#form.querySelector("input[type=file]");
  }

  async #sample() {
    const response = await fetch(this.#form.dataset.sample);
    if (!response.ok) throw new Error(`The sample cannot be had: ${response.status}`);
    const name = this.#form.dataset.sample.split("/").at(-1);
    const file = new File([await response.blob()], name, { type: response.headers.get("Content-Type") });
    return [{}, { [this.#form.dataset.file]: file }];
  }

  async #fields() {
    const { text, delay } = this.#form.elements;
    return [{ text: text.value, delay: Number(delay.value) }, {}];
  }

  async #start(arguments_) {
    if (this.#busy) return;
    this.#busy = true;
    this.#form.setAttribute("aria-busy", "true");
    this.#say("");
    this.#started.replaceChildren();
    try {
      await this.#submit(this.#form.dataset.start, ...(await arguments_()));
      this.#started.append("Started: see ", element("a", { href: "#jobs" }, "your jobs"));
    } catch (error) {
      this.#say(error.message);
    } finally {
      this.#busy = false;
      this.#form.removeAttribute("aria-busy");
    }
  }

  #say(text) {
    this.#error.textContent = text;
    this.#error.hidden = text === "";
  }
}

/** Let a file be dropped anywhere: on its form, or else where its type belongs. */
export function takeDrops(forms) {
  let over = null;
  const mark = (next) => {
    over?.classList.remove("over");
    over = next;
    over?.classList.add("over");
  };
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    mark(event.target.closest(".drop"));
  });
  document.addEventListener("dragleave", () => mark(null));
  document.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault(); // Else the browser would leave the page, and show the file.
    mark(null);
    forms.find((form) => form.fits(file, event.target))?.file(file);
  });
}
