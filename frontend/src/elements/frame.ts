/** Work for the next frame: done once, however often it is asked for. */
export class Frame {
  readonly #draw: () => unknown;
  #handle = 0;

  constructor(draw: () => unknown) {
    this.#draw = draw;
  }

  /** See to it that the next frame draws. */
  request(): void {
    this.#handle ||= requestAnimationFrame(() => this.now());
  }

  /** Draw at once, and not again in the next frame. */
  now(): void {
    this.cancel();
    this.#draw();
  }

  cancel(): void {
    cancelAnimationFrame(this.#handle);
    this.#handle = 0;
  }
}
