/** The elements of the rows in sight: made once, and filled anew as rows scroll by. */

import { html, setAttributes } from "../shared/dom";
import type { Range } from "./window";

/** What fills them. */
export interface RowFacts {
  /** What stands before a row. */
  title(row: number): string;
  /** Pixels from the top of what is in sight to a row. */
  top(row: number): number;
  /** The text and the class of a cell. */
  cell(row: number, place: number): { text: string; name: string };
  /** Put an element where its column is, and mark it if it is selected. */
  settle(element: HTMLElement, row: number, place: number): void;
}

interface Slot {
  row: HTMLElement;
  title: HTMLElement;
  cells: HTMLElement[];
  names: string[];
}

export class Rows {
  readonly element = html("div", { class: "body", role: "rowgroup" });
  #slots: Slot[] = [];

  /**
   * Draw rows.
   *
   * @param places the columns in sight, as they are shown
   * @param width pixels of what stands before a row
   * @returns whether a cell is still on its way
   */
  draw(rows: Range, places: Range, width: number, facts: RowFacts): boolean {
    const count = rows.stop - rows.start;
    while (this.#slots.length < count) this.#slots.push(this.#newSlot());
    let waits = false;
    this.#slots.forEach((slot, i) => {
      slot.row.hidden = i >= count;
      if (i < count) waits = this.#fill(slot, rows.start + i, places, width, facts) || waits;
    });
    return waits;
  }

  #newSlot(): Slot {
    const title = html("div", { class: "gutter", role: "rowheader", "aria-colindex": 1 });
    const row = html("div", { class: "row", role: "row" }, title);
    this.element.append(row);
    return { row, title, cells: [], names: [] };
  }

  #fill(slot: Slot, row: number, places: Range, width: number, facts: RowFacts): boolean {
    setAttributes(slot.row, { "aria-rowindex": row + 2 });
    slot.row.style.transform = `translateY(${facts.top(row)}px)`;
    slot.row.classList.toggle("odd", row % 2 === 1);
    slot.title.style.width = `${width}px`;
    setText(slot.title, facts.title(row));
    const wanted = places.stop - places.start;
    while (slot.cells.length < wanted) {
      const cell = html("div", { role: "gridcell" });
      slot.row.append(cell);
      slot.cells.push(cell);
    }
    let waits = false;
    slot.cells.forEach((element, i) => {
      element.hidden = i >= wanted;
      if (i >= wanted) return;
      const place = places.start + i;
      const { text, name } = facts.cell(row, place);
      if (slot.names[i] !== name) element.className = slot.names[i] = name;
      waits ||= name.endsWith("wait");
      setText(element, text);
      setAttributes(element, { "aria-colindex": place + 2 });
      facts.settle(element, row, place);
    });
    return waits;
  }
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
