/** What stands in place of the rows of a frame that cannot be opened. */

import { html } from "../shared/dom";

/** Why it cannot, whole and to copy from: it may end with a line to type. */
export class Unopened {
  readonly #text = html("pre", { tabindex: 0 });
  readonly #button = html("button", { type: "button" }, "Try again");
  readonly element = html("div", { class: "unopened", role: "alert", hidden: true }, this.#text, this.#button);
  readonly #others: HTMLElement[];
  #retry: () => void = () => undefined;

  /** @param others what there is no use for meanwhile */
  constructor(...others: HTMLElement[]) {
    this.#others = others;
    this.#button.addEventListener("click", () => this.#retry());
  }

  problem(error: unknown, retry?: () => void): void {
    this.#text.textContent = error instanceof Error ? error.message : String(error);
    this.#button.hidden = retry === undefined;
    if (retry !== undefined) this.#retry = retry;
    this.#show(true);
  }

  /** The frame is open by now. */
  clear(): void {
    this.#show(false);
  }

  #show(shown: boolean): void {
    this.element.hidden = !shown;
    for (const other of this.#others) other.hidden = shown;
  }
}
