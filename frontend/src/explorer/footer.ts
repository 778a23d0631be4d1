/** The line below the drawing: what was read and when, or what went on last. */

import { html } from "../shared/dom";
import { flatten, type Tree } from "./tree";
import type { FirstPage } from "./types";

export class Footer {
  readonly element = html("div", { class: "status", role: "status" });
  #first: FirstPage | undefined;
  /** What it said of the tree. */
  #told = "";

  say(text: string): void {
    this.element.textContent = text;
  }

  /** Tell of what was read just now. */
  sayRead(first: FirstPage, tree: Tree): void {
    this.#first = first;
    this.#told = readText(first, tree);
    this.say(this.#told);
  }

  /** The tree has changed: what it says of that follows, but not over something else. */
  follow(tree: Tree): void {
    if (this.#first !== undefined && this.element.textContent === this.#told) this.sayRead(this.#first, tree);
  }
}

function readText(first: FirstPage, tree: Tree): string {
  const time = new Date(first.read_at);
  // In UTC, as the times of rows are.
  const at = Number.isNaN(time.getTime()) ? first.read_at : `${time.toISOString().slice(11, 19)} UTC`;
  const { total } = tree.branch(first.root.node);
  const shown = flatten(tree.items()).filter((item) => item.kind === "row").length - 1;
  return [
    `${total.toLocaleString("en")}${first.capped ? "+" : ""} below ${first.root.label ?? "the root"}`,
    ...(shown === total ? [] : [`${shown.toLocaleString("en")} shown`]),
    `read at ${at}`,
  ].join(" · ");
}
