/** What keys do in the grid. */

import type { KeyHandler } from "../shared/keyboard";
import { moved, type Cell } from "./selection";

/** What keys act upon. */
export interface KeyTarget {
  readonly active: Cell;
  /** Rows and columns that there are, and rows of one screen. */
  size(): { rows: number; columns: number; page: number };
  go(cell: Cell, extend: boolean): void;
  /** Select all; `false`: there is nothing. */
  selectAll(): boolean;
  /** Select the active cell alone; `false`: it is. */
  selectOne(): boolean;
  sort(add: boolean): void;
  filter(): void;
  open(): void;
  copy(): void;
  find(): void;
}

const FAR = Number.MAX_SAFE_INTEGER;

/** Keys by name, as `onKeys` takes them. */
export function gridKeys(target: KeyTarget): Record<string, KeyHandler> {
  const keys: Record<string, KeyHandler> = {};
  for (const extend of [false, true]) {
    const step = (down: number, right: number): KeyHandler => () => {
      const { rows, columns } = target.size();
      target.go(moved(target.active, down, right, rows, columns), extend);
      return true;
    };
    const page = (down: number): KeyHandler => (event) => step(down * target.size().page, 0)(event);
    const top = (column: () => number): KeyHandler => () => {
      target.go({ row: 0, column: column() }, extend);
      return true;
    };
    const shift = extend ? "Shift+" : "";
    keys[`${shift}ArrowDown`] = step(1, 0);
    keys[`${shift}ArrowUp`] = step(-1, 0);
    keys[`${shift}ArrowRight`] = step(0, 1);
    keys[`${shift}ArrowLeft`] = step(0, -1);
    keys[`${shift}PageDown`] = page(1);
    keys[`${shift}PageUp`] = page(-1);
    keys[`${shift}Home`] = step(0, -FAR);
    keys[`${shift}End`] = step(0, FAR);
    keys[`Ctrl+${shift}Home`] = top(() => 0);
    keys[`Ctrl+${shift}End`] = step(FAR, FAR);
    keys[`Ctrl+${shift}ArrowDown`] = step(FAR, 0);
    keys[`Ctrl+${shift}ArrowUp`] = top(() => target.active.column);
    keys[`Ctrl+${shift}ArrowRight`] = step(0, FAR);
    keys[`Ctrl+${shift}ArrowLeft`] = step(0, -FAR);
  }
  const done = (act: () => void): KeyHandler => () => (act(), true);
  keys["Enter"] = done(() => (target.active.row < 0 ? target.sort(false) : target.open()));
  keys["Shift+Enter"] = () => target.active.row < 0 && (target.sort(true), true);
  keys["f"] = done(() => target.filter());
  keys["/"] = done(() => target.find());
  keys["Ctrl+c"] = done(() => target.copy());
  keys["Ctrl+a"] = () => target.selectAll();
  keys["Escape"] = () => target.selectOne();
  return keys;
}
