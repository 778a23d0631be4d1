/** Cells that were read, kept while there is room. */

import type { Cells } from "./protocol";
import type { Range } from "./window";

/** Cells that are kept, at most. */
const MOST = 60_000;

/** What a cell's mark calls it. */
export const MARKS: Record<string, string> = { "0": "missing", c: "cut", o: "odd", e: "empty" };

/** A cell's text and its mark. */
export interface CellText {
  text: string;
  mark: string;
}

/** The cells of one arrangement of rows. */
export class CellStore {
  readonly #columns = new Map<number, Map<number, CellText>>();
  readonly #numbers = new Map<number, number>();
  #count = 0;

  /** A cell, if it was read. */
  get(row: number, column: number): CellText | undefined {
    return this.#columns.get(column)?.get(row);
  }

  /** A row's number in the frame, if it was read. */
  number(row: number): number | undefined {
    return this.#numbers.get(row);
  }

  /** Keep a window; what was kept before goes if there is no room. */
  put(start: number, columns: readonly number[], cells: Cells): void {
    const size = cells.numbers.length * columns.length;
    if (this.#count + size > MOST) this.clear();
    this.#count += size;
    cells.numbers.forEach((number, i) => this.#numbers.set(start + i, number));
    columns.forEach((column, place) => {
      const kept = this.#columns.get(column) ?? new Map<number, CellText>();
      this.#columns.set(column, kept);
      cells.texts[place]?.forEach((text, i) => {
        kept.set(start + i, { text, mark: cells.marks[place]?.[i] ?? "-" });
      });
    });
  }

  /** The rows and columns that hold everything in a window that was not read; null if none. */
  missing(rows: Range, columns: readonly number[]): { rows: Range; columns: number[] } | null {
    let start = Infinity;
    let stop = -1;
    const wanted = columns.filter((column) => {
      const kept = this.#columns.get(column);
      let lacks = false;
      for (let row = rows.start; row < rows.stop; row++) {
        if (kept?.has(row)) continue;
        lacks = true;
        start = Math.min(start, row);
        stop = Math.max(stop, row + 1);
      }
      return lacks;
    });
    return wanted.length === 0 ? null : { rows: { start, stop }, columns: wanted };
  }

  /** Forget all of them. */
  clear(): void {
    this.#columns.clear();
    this.#numbers.clear();
    this.#count = 0;
  }
}
