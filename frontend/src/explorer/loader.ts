/** Brings what is opened from Python into the tree, and keeps what did not come in mind. */

import { RequestError, type Ask } from "../shared/requests";
import { said } from "./details";
import type { Tree } from "./tree";
import type { Narrowing, Page, Row } from "./types";

/** Rows that "+n more" brings. */
const MORE = 100;
/** Rows of one answer, at the most. */
const LARGEST = 500;
/** Questions that are open at the same time when everything is read anew. */
const AT_ONCE = 4;

export interface LoaderOptions {
  ask: Ask;
  narrowing(): Narrowing;
  /** Called when the tree has changed. */
  changed(): void;
  /** Called with why something did not come; where it was to be, there is less room to say so. */
  failed(why: string): void;
  page: number;
}

export class Loader {
  readonly #options: LoaderOptions;
  readonly #tree: () => Tree;

  constructor(tree: () => Tree, options: LoaderOptions) {
    this.#tree = tree;
    this.#options = options;
  }

  /** Open a row; its first page comes if it is not here yet. */
  async open(node: number): Promise<void> {
    const branch = this.#tree().branch(node);
    branch.open = true;
    const isHere = branch.after !== undefined && branch.problem === null;
    if (isHere || branch.loading) this.#options.changed();
    else await this.#load(node, this.#options.page);
  }

  fold(node: number): void {
    this.#tree().branch(node).open = false;
    this.#options.changed();
  }

  /** Load the next rows, or try again what failed. */
  async more(node: number): Promise<void> {
    await this.#load(node, this.#tree().branch(node).after === undefined ? this.#options.page : MORE);
  }

  /** Open the way to a row that was found elsewhere. */
  async reach(node: number): Promise<void> {
    const { rows } = await this.#options.ask<{ rows: Row[] }>("path", { node });
    const unread = this.#tree().attach(rows);
    this.#options.changed();
    await Promise.all(unread.map((each) => this.#load(each, this.#options.page)));
  }

  /** Read all that is open anew. */
  async reload(): Promise<void> {
    const tree = this.#tree();
    const waiting = tree.opened();
    const next = async (): Promise<void> => {
      for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
        const count = Math.max(tree.branch(node).rows.length, this.#options.page);
        await this.#load(node, Math.min(count, LARGEST), true);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }

  async #load(node: number, limit: number, fresh = false): Promise<void> {
    const tree = this.#tree();
    const branch = tree.branch(node);
    if (branch.loading && !fresh) return; // a second click changes nothing
    const { ask, narrowing, changed } = this.#options;
    branch.loading = true;
    branch.problem = null;
    changed();
    const first = fresh || branch.after === undefined;
    try {
      const after = first ? 0 : branch.after ?? 0;
      const [page, count] = await Promise.all([
        ask<Page>("children", { node, after, limit, ...narrowing() }),
        // A row's own count ends at a limit: whoever opens it wants to know.
        first && (branch.capped || fresh)
          ? ask<{ total: number; capped: boolean }>("count", { node, ...narrowing() }) : null,
      ]);
      if (fresh) branch.total = page.rows.length;
      if (count !== null) Object.assign(branch, count);
      tree.addPage(node, page, { fresh });
    } catch (error) {
      branch.loading = false;
      if (error instanceof RequestError && error.reason === "cancelled") return;
      branch.problem = said(error);
      this.#options.failed(branch.problem);
    }
    changed();
  }
}
