/** What Python tells of a frame; see artigraph/notebook/viewer_pages.py. */

/** A column as it is shown; its number is its place in the list. */
export interface Column {
  label: string;
  dtype: string;
  is_index: boolean;
  align: "left" | "right";
  can_sort: boolean;
  /** The names of the operators that its values can be compared by. */
  operators: string[];
}

/** A column to sort by. */
export interface SortKey {
  column: number;
  descending: boolean;
}

/** What a column's value must be for a row to be shown. */
export interface Condition {
  column: number;
  operator: string;
  value: string;
}

/** Which rows are shown, in which order, and which columns. */
export interface State {
  /** How often rows or their order have changed. */
  revision: number;
  rows: number;
  /** Whether these are all: more may be found, which come behind them. */
  complete: boolean;
  sort: SortKey[];
  conditions: Condition[];
  hidden: number[];
}

/** What is selected: rows from a first to one before a last, and columns by number. */
export interface Chosen {
  revision: number;
  start: number;
  stop: number;
  columns: number[];
}

/** A window of cells, column by column. */
export interface Cells {
  texts: string[][];
  /** A mark a row: `-` plain, `0` missing, `c` cut or rounded, `o` NaN or infinite, `e` empty. */
  marks: string[];
  /** The rows' numbers in the frame. */
  numbers: number[];
}

/** One cell with all of its text, up to a limit. */
export interface Whole {
  /** The value as it is, to be copied. */
  text: string;
  /** The same with hidden characters written out, to be looked at. */
  shown: string;
  /** How many characters the value has. */
  length: number;
}

/** The frame around the cells. */
export interface Facts {
  label: string | null;
  rows: number;
  num_columns: number;
  size: string;
  /** All columns, or in the first page only the first. */
  columns: Column[];
  state: State;
}

/** What is there before anything is asked for; empty if it is still being read. */
export type FirstPage = (Facts & { cells: Cells }) | { error: string } | Record<string, never>;

/** An answer to a question about an earlier revision: how things are now. */
export interface Outdated {
  state: State;
}

/** What is known of a column. */
export interface Summary {
  rows: number;
  read_rows: number;
  missing: number | null;
  read_missing: number;
  low: string | null;
  high: string | null;
  exact: boolean;
  distinct: number | null;
  bars: number[];
  names: string[];
}

/** How far some work is, or what came of it. */
export type Job<T> = { result: T } | { job: number; done: number; total: number };
