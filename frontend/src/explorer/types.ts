/** What Python tells of the tree; `artigraph/notebook/explorer_rows.py` makes it. */

import type { Channel } from "../shared/requests";

export type Kind = "node" | "model" | "artifact";

/** A node of the tree, without what it holds. */
export interface Row {
  node: number;
  parent: number | null;
  kind: Kind;
  label: string | null;
  type: string;
  version: number | null;
  created: string;
  size: string | null;
  /** What hangs below it, … */
  count: number;
  /** … or more than that. */
  capped: boolean;
  /** What it tells in trees: how a cell's run went, `locked`, `dropped`. */
  status?: string | null;
  /** Whether that is that it went wrong. */
  failed?: boolean;
  /** Its tags, as they are typed: `#best`, `#stage=prod`. */
  tags?: string[];
}

export interface Page {
  rows: Row[];
  /** Ask for what comes after this key; `null` at the end. */
  after: number | null;
}

export interface FirstPage extends Page {
  root: Row;
  total: number;
  capped: boolean;
  types: string[];
  page_size: number;
  read_at: string;
}

export interface Hit extends Row {
  /** The label of what it hangs on. */
  below: string;
}

export interface Details {
  row: Row;
  facts: Facts;
  frames: Part[];
  /** What can be seen of values once it is asked for. */
  previews?: Part[];
  code: string;
  /** The newest notes about it, the oldest of these first. */
  notes: { text: string; by: string; at: string }[];
  more_notes: boolean;
  /** Why nothing can be changed, such as in a database that is only read. */
  refusal?: string | null;
}

/** A value in a row of its own. */
export interface Part {
  label: string;
  node: number;
}

/** As `artigraph.display.facts.Facts`. */
export interface Facts {
  name: string;
  label: string;
  badges: Badge[];
  notes: [string, string][];
  lines: string[];
  fields: Field[];
  more_fields: number;
  table: Table | null;
  picture: { png: string; width: number; height: number; type?: string } | null;
  code: string;
  warnings: string[];
}

export interface Badge {
  text: string;
  role: string;
}

export interface Field {
  name: string;
  type: string;
  value: string;
  badges: Badge[];
  inside: Facts | null;
}

/** A small curve, as a line of blocks, and as the points of lines in a drawing of 96 by 20. */
export interface Curve {
  text: string;
  lines: string[];
}

export interface Table {
  columns: string[];
  rows: (string | Curve)[][];
  types: string[];
  gap: number | null;
  more: number;
  more_columns: number;
  numbers: number[];
}

/** Which models to show. */
export interface Narrowing {
  types: string[];
  created_after: string | null;
  created_before: string | null;
}

/** The box that stands for the whole database, or for a filter. */
export const SCOPE = 0;

/** The traits of `artigraph.notebook.explorer.Explorer`. */
export interface Traits {
  first_page: Partial<FirstPage>;
  selected: number | null;
  height: number;
}

/** The part of anywidget's model that a view needs. */
export interface Model extends Channel {
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  on(event: string, callback: (message: unknown) => void): void;
  off(event: string, callback: (message: unknown) => void): void;
}
