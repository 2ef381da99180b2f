/** Markup made of nodes, never of text: Trusted Types have nothing to object to. */

type Child = Node | string;

/** An element with attributes and children; `part` is the name that styles it from outside. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Set a text, if it is another one: a live region reads out whatever is set. */
export function setText(node: Element | null, text: string): void {
  if (node && node.textContent !== text) node.textContent = text;
}

/** Set an attribute, or remove it where the value is null. */
export function setAttribute(node: Element | null, name: string, value: string | null): void {
  if (!node || node.getAttribute(name) === value) return;
  if (value === null) node.removeAttribute(name);
  else node.setAttribute(name, value);
}

/** Show a text, or hide its element where there is none. */
export function setNote(node: HTMLElement | null, text: string): void {
  setText(node, text);
  if (node) node.hidden = text === "";
}

/** A copy of the `<template>` that the page has put into an element, or else what `make` makes. */
export function markupOf(host: Element, make: () => HTMLElement): HTMLElement {
  const template = host.querySelector<HTMLTemplateElement>(":scope > template");
  return template ? element("div", {}, document.importNode(template.content, true)) : make();
}
