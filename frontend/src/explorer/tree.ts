/**
 * The part of the tree that is known here: rows, and what of their children was
 * loaded. It knows neither Python nor the page.
 */

import { SCOPE, type FirstPage, type Page, type Row } from "./types";

/** What is known of the children of one row. */
export interface Branch {
  /** Loaded in order, from the first on. */
  rows: number[];
  /** Found by a search, beyond what was loaded. */
  pinned: number[];
  /** Where to go on; `null` at the end, `undefined` before the first page. */
  after: number | null | undefined;
  /** How many there are, … */
  total: number;
  /** … or more than that. */
  capped: boolean;
  open: boolean;
  loading: boolean;
  /** Why nothing came. */
  problem: string | null;
}

/** A thing to draw: a row, what a row has more of, or why nothing came. */
export interface Item {
  key: string;
  kind: "row" | "more" | "problem" | "loading";
  /** The row; for the other kinds the one that they hang below. */
  row: Row;
  level: number;
  /** Its place among its siblings, from 1 on. */
  position: number;
  siblings: number;
  text: string;
  open: boolean;
  children: Item[];
}

export class Tree {
  readonly rows = new Map<number, Row>();
  readonly branches = new Map<number, Branch>();
  /** From a row to the one that it is drawn below. */
  readonly above = new Map<number, number>();
  roots: number[];

  constructor(first: FirstPage) {
    this.roots = [first.root.node];
    this.rows.set(first.root.node, first.root);
    this.addPage(first.root.node, first, { fresh: true });
    const branch = this.branch(first.root.node);
    branch.open = true;
    branch.total = first.total;
    branch.capped = first.capped;
  }

  /** What is known of the children of a row. */
  branch(node: number): Branch {
    let branch = this.branches.get(node);
    if (branch === undefined) {
      const row = this.rows.get(node);
      branch = {
        rows: [], pinned: [], after: undefined, total: row?.count ?? 0, capped: row?.capped ?? false,
        open: false, loading: false, problem: null,
      };
      this.branches.set(node, branch);
    }
    return branch;
  }

  /** Whether a row has children, as far as is known. */
  hasChildren(node: number): boolean {
    const branch = this.branches.get(node);
    return (this.rows.get(node)?.count ?? 0) > 0 || (branch !== undefined && branch.rows.length > 0);
  }

  /** Whether the first page of a row's children has yet to come. */
  isUnread(node: number): boolean {
    return this.branch(node).after === undefined;
  }

  /** Hang a page below a row: behind what it has, or in place of it. */
  addPage(node: number, page: Page, { fresh = false } = {}): void {
    const branch = this.branch(node);
    if (fresh) {
      for (const old of [...branch.rows, ...branch.pinned]) this.above.delete(old);
      branch.rows = [];
      branch.pinned = [];
    }
    const known = new Set(branch.rows);
    for (const row of page.rows) {
      this.#keep(row, node);
      if (!known.has(row.node)) branch.rows.push(row.node);
    }
    const came = new Set(branch.rows);
    branch.pinned = branch.pinned.filter((pinned) => !came.has(pinned));
    branch.after = page.after;
    branch.problem = null;
    branch.loading = false;
    if (page.after === null) {
      branch.total = branch.rows.length + branch.pinned.length;
      branch.capped = false;
    } else if (!branch.capped) {
      branch.total = Math.max(branch.total, branch.rows.length + 1);
    }
  }

  /**
   * Open the way to a row that was found elsewhere.
   *
   * @param path the row with all that stands above it, the root first
   * @returns the rows whose first page has yet to come
   */
  attach(path: Row[]): number[] {
    let start = path.length - 1;
    while (start >= 0 && !this.#isDrawn(path[start]!.node)) start -= 1;
    if (start < 0) {
      const [top] = path;
      if (top === undefined) return [];
      if (this.roots.includes(SCOPE) && this.rows.get(SCOPE)?.type === "database") {
        this.#pin(SCOPE, top);
      } else {
        // Outside of what is explored: it stands beside it.
        this.rows.set(top.node, top);
        this.roots.push(top.node);
      }
      start = 0;
    }
    for (let i = start; i + 1 < path.length; i++) this.#pin(path[i]!.node, path[i + 1]!);
    const opened = new Set<number>();
    let node = this.above.get(path.at(-1)!.node);
    for (; node !== undefined && !opened.has(node); node = this.above.get(node)) {
      this.branch(node).open = true;
      opened.add(node);
    }
    return path.slice(0, -1).map((row) => row.node).filter((node) => this.isUnread(node));
  }

  /** The rows whose branches are open, from the root down. */
  opened(): number[] {
    const found: number[] = [];
    const walk = (node: number): void => {
      const branch = this.branches.get(node);
      if (!branch?.open) return;
      found.push(node);
      for (const child of [...branch.rows, ...branch.pinned]) walk(child);
    };
    this.roots.forEach(walk);
    return found;
  }

  /** All that is to be drawn. */
  items(): Item[] {
    return this.roots.map((root, index) => this.#item(root, 1, index + 1, this.roots.length));
  }

  #item(node: number, level: number, position: number, siblings: number): Item {
    const row = this.rows.get(node)!;
    const branch = this.branches.get(node);
    const item: Item = {
      key: `row-${node}`, kind: "row", row, level, position, siblings, text: boxText(row),
      open: branch?.open ?? false, children: [],
    };
    if (!branch?.open) return item;
    const shown = branch.rows.length + branch.pinned.length;
    const size = Math.max(branch.total, shown);
    const add = (child: number): void => {
      item.children.push(this.#item(child, level + 1, item.children.length + 1, size));
    };
    const extra = (kind: Item["kind"], text: string): void => {
      item.children.push({
        key: `more-${node}`, kind, row, level: level + 1, position: item.children.length + 1,
        siblings: size, text, open: false, children: [],
      });
    };
    branch.rows.forEach(add);
    if (branch.problem !== null) extra("problem", branch.problem);
    else if (branch.loading) extra("loading", "…");
    else if (branch.after !== null && branch.after !== undefined) {
      extra("more", `+${countText(branch.total - shown, branch.capped)} more`);
    }
    branch.pinned.forEach(add);
    return item;
  }

  #keep(row: Row, above: number): void {
    this.rows.set(row.node, row);
    // Each row is drawn once, where it was seen first: a filter may find it again below.
    if (!this.above.has(row.node)) this.above.set(row.node, above);
  }

  #pin(node: number, row: Row): void {
    const branch = this.branch(node);
    this.#keep(row, node);
    if (!branch.rows.includes(row.node) && !branch.pinned.includes(row.node)) {
      branch.pinned.push(row.node);
    }
    branch.open = true;
  }

  /** Whether opening what stands above a row would show it. */
  #isDrawn(node: number): boolean {
    const seen = new Set<number>();
    for (let here: number | undefined = node; here !== undefined && !seen.has(here); here = this.above.get(here)) {
      if (this.roots.includes(here)) return true;
      seen.add(here);
    }
    return false;
  }
}

/** Items in the order in which they are read, with all below them. */
export function flatten(items: Item[]): Item[] {
  return items.flatMap((item) => [item, ...flatten(item.children)]);
}

/** What stands in a row's box. */
export function boxText(row: Row): string {
  return `${nameText(row)}${statusText(row)}${tagsText(row)}`;
}

/** What a row is called by itself: without what its box says of it. */
export function nameText(row: Row): string {
  if (row.kind === "model") return row.version === null ? row.type : `${row.type} v${row.version}`;
  if (row.kind === "artifact") return row.size === null ? row.type : `${row.type} · ${row.size}`;
  return row.label ?? `${row.type} ${row.node}`;
}

/** The tags of a row, as they stand behind its name. */
export function tagsText(row: Row): string {
  return (row.tags ?? []).map((tag) => `  ${tag}`).join("");
}

/**
 * What a row tells in trees, as it stands behind its name: how it went, whether it is
 * locked, whether its bytes were given up. What went as it should needs no word.
 */
export function statusText(row: Row): string {
  const told = (row.status ?? "").split(" · ").filter((word) => word !== "" && word !== "finished");
  return told.map((word) => ` · ${word}`).join("");
}

/** What stands on the line that leads to a row. */
export function edgeText(row: Row): string {
  return row.kind === "node" ? "" : row.label ?? "";
}

/** A count for people; `1,000+` if there are more. */
export function countText(count: number, capped: boolean): string {
  return `${Math.max(count, 0).toLocaleString("en")}${capped ? "+" : ""}`;
}
