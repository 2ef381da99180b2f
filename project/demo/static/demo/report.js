/** The slow view, asked as if it were fast: one call of `ask(url, onProgress)`, and its Response. */
export class ReportForm {
  #form;
  #ask;
  #answer;
  #asked = 0;

  constructor(form, ask) {
    this.#form = form;
    this.#ask = ask;
    this.#answer = form.querySelector("[data-answer]");
    form.querySelector("[data-fetch]").addEventListener("click", () => this.#fetch());
  }

  async #fetch() {
    if (!this.#form.reportValidity()) return;
    const asked = ++this.#asked; // What was asked before is of no interest any more.
    const query = new URLSearchParams(new FormData(this.#form));
    this.#show(null, "The server has the request.");
    try {
      const response = await this.#ask(`${this.#form.dataset.report}?${query}`, ({ percent }) => {
        if (asked === this.#asked) this.#show(percent, `${Math.floor(percent ?? 0)} %`);
      });
      const text = await told(response);
      if (asked === this.#asked) this.#show(100, text);
    } catch (error) {
      if (asked === this.#asked) this.#show(0, error.message);
    }
  }

  #show(percent, text) {
    const bar = this.#answer.querySelector("progress");
    if (percent === null) bar.removeAttribute("value");
    else bar.value = percent;
    this.#answer.querySelector("output").value = text;
    this.#answer.hidden = false;
  }
}

async function told(response) {
  if (!response.ok) return `The view answered with ${response.status}.`;
  const { below, primes, largest } = await response.json();
  const [limit, count, last] = [below, primes, largest ?? 0].map((number) => number.toLocaleString("en"));
  return `${response.status}: below ${limit} there are ${count} primes, the largest ${last}.`;
}
