/** Which models to show: by type and by when they were written. */

import { html } from "../shared/dom";
import { onElsewhere } from "./elsewhere";
import type { Narrowing } from "./types";

const HOURS: [string, number][] = [["1 hour", 1], ["24 hours", 24], ["7 days", 168], ["30 days", 720]];

/** A menu that folds out. */
export function menu(label: string, title: string, ...content: HTMLElement[]): HTMLDetailsElement {
  const made = html("details", { class: "menu" },
    html("summary", { title, "aria-label": title }, label), html("div", { class: "menu-body" }, ...content));
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    made.open = false;
    made.querySelector("summary")?.focus();
    event.stopPropagation();
  });
  // Only while it is open: the next press ends it, also where the explorer is gone by then.
  let stop: () => void = () => undefined;
  const close = (): void => {
    made.open = false;
  };
  made.addEventListener("toggle", () => {
    stop();
    if (made.open) stop = onElsewhere([made], close);
  });
  return made;
}

export class NarrowMenu {
  readonly element: HTMLDetailsElement;
  readonly #types = html("div", { class: "checks" });
  readonly #since = html("select", { "aria-label": "Written" });
  readonly #from = html("input", { type: "datetime-local", "aria-label": "Written from (UTC)" });
  readonly #until = html("input", { type: "datetime-local", "aria-label": "Written before (UTC)" });
  readonly #range = html("div", { class: "range", hidden: true }, this.#from, html("span", {}, "to"), this.#until, html("span", {}, "UTC"));
  readonly #changed: () => void;

  /** @param changed called whenever other models are wanted */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.#since.append(html("option", { value: "" }, "at any time"),
      ...HOURS.map(([name, hours]) => html("option", { value: hours }, `in the last ${name}`)),
      html("option", { value: "range" }, "between…"));
    const clear = html("button", { type: "button" }, "Show all");
    clear.addEventListener("click", () => this.clear());
    this.element = menu("Filter", "Choose which models to show",
      html("fieldset", {}, html("legend", {}, "Models"), this.#types),
      html("fieldset", {}, html("legend", {}, "Written"), this.#since, this.#range), clear);
    this.element.addEventListener("change", () => this.#update());
  }

  /** Offer these types; those that are chosen stay so. */
  offer(types: string[]): void {
    const chosen = new Set(this.value().types);
    this.#types.replaceChildren(...types.map((name) => {
      const box = html("input", { type: "checkbox", value: name });
      box.checked = chosen.has(name);
      return html("label", {}, box, html("span", {}, name));
    }));
    if (types.length === 0) this.#types.append(html("span", { class: "quiet" }, "There are none yet."));
  }

  value(): Narrowing {
    const boxes = [...this.#types.querySelectorAll<HTMLInputElement>("input:checked")];
    const since = this.#since.value;
    const narrowing: Narrowing = { types: boxes.map((box) => box.value), created_after: null, created_before: null };
    if (since === "range") {
      narrowing.created_after = moment(this.#from.value);
      narrowing.created_before = moment(this.#until.value);
    } else if (since !== "") {
      narrowing.created_after = new Date(Date.now() - Number(since) * 3_600_000).toISOString();
    }
    return narrowing;
  }

  clear(): void {
    for (const box of this.#types.querySelectorAll("input")) box.checked = false;
    this.#since.value = "";
    this.#from.value = this.#until.value = "";
    this.#update();
  }

  #update(): void {
    this.#range.hidden = this.#since.value !== "range";
    const { types, created_after, created_before } = this.value();
    const isNarrow = types.length > 0 || created_after !== null || created_before !== null;
    this.element.classList.toggle("active", isNarrow);
    this.#changed();
  }
}

/** A moment of UTC, in which the times of rows are shown. */
function moment(local: string): string | null {
  const found = new Date(`${local}Z`);
  return local === "" || Number.isNaN(found.getTime()) ? null : found.toISOString();
}
