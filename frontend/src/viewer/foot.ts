/** The line below the rows: where one is, the active cell's value, and what is going on. */

import { html } from "../shared/dom";
import { RequestError } from "../shared/requests";

export class Foot {
  readonly where = html("div", { class: "where" });
  readonly #value = html("div", { class: "value" });
  readonly #note = html("span", { class: "note" });
  readonly #progress = html("progress", { max: 1, hidden: true, "aria-label": "Progress" });
  readonly #button = html("button", { type: "button", hidden: true });
  readonly element = html("div", { class: "foot" }, this.where, this.#value,
    html("div", { class: "status", role: "status" }, this.#note, this.#progress, this.#button));
  #press: (() => void) | null = null;
  #busy = false;

  constructor() {
    this.#button.addEventListener("click", () => this.#press?.());
  }

  /** Show a cell's value, or something about several. */
  value(...children: (Node | string)[]): void {
    this.#value.replaceChildren(...children);
  }

  /** Tell of something that is done; an empty text takes away what was told. */
  say(text: string): void {
    this.#tell(text, null, "");
  }

  /** Tell of some work that may be cancelled. */
  work(text: string, cancel: () => void): void {
    this.#tell(text, cancel, "Cancel");
    this.#progress.hidden = false;
    this.#progress.removeAttribute("value");
    this.#busy = true;
  }

  /** How much of the work is done, from 0 to 1. */
  progress(share: number): void {
    // The last step, which is one of its own, shows as under way.
    if (share < 1) this.#progress.value = share;
    else this.#progress.removeAttribute("value");
  }

  /** The work is done; nothing is told of it unless somebody does. */
  rest(): void {
    if (this.#busy) this.say("");
  }

  /** Tell why something failed, and offer to try again. */
  problem(error: unknown, retry?: () => void): void {
    if (this.#busy || (error instanceof RequestError && error.reason === "cancelled")) return;
    this.#tell(error instanceof Error ? error.message : String(error), retry ?? null, "Try again");
    this.#note.className = "note error";
  }

  /** Try again what failed, unless something else is told of by now. */
  again(retry: () => void): void {
    if (this.#press === retry) retry();
  }

  /** Something works again. */
  solved(): void {
    if (this.#note.classList.contains("error")) this.say("");
  }

  #tell(text: string, press: (() => void) | null, name: string): void {
    this.#note.textContent = text;
    this.#note.title = text;
    this.#note.className = "note";
    this.#progress.hidden = true;
    this.#press = press;
    this.#button.hidden = press === null;
    this.#button.textContent = name;
    this.#busy = false;
  }
}
