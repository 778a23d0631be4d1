/** A small box over the grid, one at a time; Escape and a click elsewhere close it. */

import { html } from "../shared/dom";

/** What is open. */
export interface Popover {
  element: HTMLElement;
  close(): void;
}

/**
 * Open a box.
 *
 * @param parent what it lies in, and must not leave
 * @param near what it belongs to
 * @param closed called once when it closes, however that happens
 */
export function openPopover(
  parent: HTMLElement, near: HTMLElement, name: string, content: HTMLElement, closed: () => void,
): Popover {
  const element = html("div", { class: "popover", role: "dialog", "aria-label": name }, content);
  parent.append(element);
  const outer = parent.getBoundingClientRect();
  const inner = near.getBoundingClientRect();
  const left = Math.min(inner.left - outer.left, outer.width - element.offsetWidth - 8);
  element.style.left = `${Math.max(8, left)}px`;
  // Below what it belongs to, or above where more of it has room.
  const top = inner.bottom - outer.top + 2;
  const [below, above] = [outer.height - top - 8, inner.top - outer.top - 10];
  if (element.offsetHeight <= below || below >= above) {
    element.style.top = `${top}px`;
    element.style.maxHeight = `${Math.max(120, below)}px`;
  } else {
    element.style.bottom = `${outer.bottom - inner.top + 2}px`;
    element.style.maxHeight = `${above}px`;
  }
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    parent.removeEventListener("pointerdown", outside);
    element.remove();
    closed();
  };
  const outside = (event: Event): void => {
    if (event.target instanceof Node && !element.contains(event.target)) close();
  };
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  // Not the press that opened it.
  setTimeout(() => {
    if (open) parent.addEventListener("pointerdown", outside);
  });
  // At once: who types fast has typed already.
  const first = content.querySelector<HTMLElement>("[autofocus]");
  (first ?? content.querySelector<HTMLElement>("input, select, button"))?.focus();
  return { element, close };
}
