/** What the grid leaves to others: whatever needs Python, or room outside of it. */

import type { Cell } from "./selection";
import type { Range } from "./window";

/** What a grid tells. */
export interface GridEvents {
  /** This is in sight; columns by their number. */
  sight(rows: Range, columns: number[]): void;
  /** Another cell is active, or others are selected. */
  selected(): void;
  /** Sort by a column; `add`: after those that rows are sorted by. */
  sort(column: number, add: boolean): void;
  /** Filter by a column; the form belongs near an element. */
  filter(column: number, near: HTMLElement): void;
  /** Show all of a cell. */
  open(cell: Cell): void;
  copy(): void;
  /** Look for a column. */
  find(): void;
}
