/** A page with elements, whose frames, jobs and API are a test's. */

import { vi } from "vitest";
import { Api } from "../src/api.ts";
import { Channels } from "../src/channels.ts";
import { Jobs } from "../src/client.ts";
import { JobListElement, JobProgressElement } from "../src/elements/index.ts";
import { World } from "./environment.ts";
import { FakeSource } from "./fake-source.ts";

/** Microtasks that are under way, and those that they bring about. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 30; count += 1) await Promise.resolve();
}

export class Page {
  readonly world = new World();
  readonly source = new FakeSource();
  readonly jobs = new Jobs(
    new Api({ url: "/jobs", environment: this.world.environment }),
    new Channels(this.source),
  );
  /** How many frames have drawn something. */
  frames = 0;
  readonly #drawings = new Map<number, FrameRequestCallback>();
  #handles = 0;

  constructor() {
    document.body.replaceChildren();
    vi.stubGlobal("requestAnimationFrame", (draw: FrameRequestCallback) => {
      this.#drawings.set(++this.#handles, draw);
      return this.#handles;
    });
    vi.stubGlobal("cancelAnimationFrame", (handle: number) => this.#drawings.delete(handle));
  }

  /** Let all that is due happen, and a frame be drawn. */
  async frame(): Promise<void> {
    await turn();
    const drawings = [...this.#drawings.values()];
    this.#drawings.clear();
    this.frames += drawings.length;
    for (const draw of drawings) draw(0);
  }

  /** Put an element on the page, with this page's client. */
  async progress(attributes: Record<string, string>, ...children: Node[]): Promise<JobProgressElement> {
    return this.#add(new JobProgressElement(), attributes, children);
  }

  async list(attributes: Record<string, string> = {}, ...children: Node[]): Promise<JobListElement> {
    return this.#add(new JobListElement(), attributes, children);
  }

  async #add<E extends JobListElement | JobProgressElement>(
    element: E,
    attributes: Record<string, string>,
    children: Node[],
  ): Promise<E> {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    element.jobs = this.jobs;
    document.body.append(element);
    await this.frame();
    return element;
  }
}

/** The part of an element, or of one of its rows. */
export function part(within: HTMLElement, name: string): HTMLElement {
  const found = (within.shadowRoot ?? within).querySelector<HTMLElement>(`[part~="${name}"]`);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}

/** The text of a part; null where it is hidden. */
export function text(within: HTMLElement, name: string): string | null {
  const found = part(within, name);
  return found.hidden ? null : found.textContent;
}

/** The rows of a list. */
export function rows(list: JobListElement): HTMLElement[] {
  return [...part(list, "list").querySelectorAll<HTMLElement>("li")];
}

/** A template whose content has elements with these parts, by tag. */
export function template(parts: Readonly<Record<string, string>>): HTMLTemplateElement {
  const made = document.createElement("template");
  for (const [name, tag] of Object.entries(parts)) {
    const node = document.createElement(tag);
    node.setAttribute("part", name);
    made.content.append(node);
  }
  return made;
}
