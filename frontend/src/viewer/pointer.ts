/** What the mouse, a finger and a pen do in the grid. */

import type { Cell } from "./selection";

/** What they act upon. */
export interface PointerTarget {
  readonly active: Cell;
  /** The cell at a place of the page; null if there are none. */
  cellAt(event: PointerEvent): Cell | null;
  go(cell: Cell, extend: boolean): void;
  selectRow(row: number, extend: boolean): void;
  /** Make a header active; columns by number. */
  goToHeader(column: number): void;
  sort(column: number, add: boolean): void;
  filter(column: number): void;
  open(): void;
  width(column: number): number;
  resize(column: number, width: number): void;
  /** Make a column as wide as what is in sight of it. */
  fit(column: number): void;
  focus(): void;
}

/** Listen to a pane that holds headers and rows; what the pane takes with it needs no end. */
export function listenToPointer(pane: HTMLElement, target: PointerTarget): void {
  const drag = (event: PointerEvent, move: (event: PointerEvent) => void): void => {
    const stop = (): void => {
      pane.removeEventListener("pointermove", move);
      pane.removeEventListener("pointerup", stop);
      pane.removeEventListener("pointercancel", stop);
    };
    pane.setPointerCapture(event.pointerId);
    pane.addEventListener("pointermove", move);
    pane.addEventListener("pointerup", stop);
    pane.addEventListener("pointercancel", stop);
  };

  const onHeader = (event: PointerEvent, pressed: Element, column: number): void => {
    if (pressed.closest(".edge")) {
      const [from, before] = [event.clientX, target.width(column)];
      drag(event, (move) => target.resize(column, before + move.clientX - from));
      return;
    }
    target.focus();
    target.goToHeader(column);
    if (pressed.closest(".funnel")) target.filter(column);
    else target.sort(column, event.shiftKey);
  };

  const onCell = (event: PointerEvent, pressed: Element): void => {
    const cell = target.cellAt(event);
    if (cell === null) return;
    target.focus();
    if (pressed.closest(".gutter")) {
      target.selectRow(cell.row, event.shiftKey);
      return;
    }
    target.go(cell, event.shiftKey);
    drag(event, (move) => {
      const over = target.cellAt(move);
      const { row, column } = target.active;
      if (over !== null && (over.row !== row || over.column !== column)) target.go(over, true);
    });
  };

  pane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !(event.target instanceof Element)) return;
    // Neither text is selected nor the focus lost to the page.
    event.preventDefault();
    const column = columnOf(event.target);
    if (column === null) onCell(event, event.target);
    else onHeader(event, event.target, column);
  });
  pane.addEventListener("dblclick", (event) => {
    // The pane has captured the pointer, so the event tells of it alone.
    const root = pane.getRootNode() as Document | ShadowRoot;
    const pressed = root.elementFromPoint(event.clientX, event.clientY);
    const column = pressed === null ? null : columnOf(pressed);
    if (column !== null && pressed?.closest(".edge")) target.fit(column);
    else if (pressed?.closest(".td")) target.open();
  });
}

function columnOf(element: Element): number | null {
  const header = element.closest<HTMLElement>(".th");
  return header === null ? null : Number(header.dataset["column"]);
}
