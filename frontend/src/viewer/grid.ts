/** A grid of any number of rows and columns, of which only what is in sight is drawn. */

import { html, setAttributes } from "../shared/dom";
import { onKeys } from "../shared/keyboard";
import { MARKS, type CellStore } from "./cells";
import { count } from "./format";
import type { GridEvents } from "./grid-events";
import { makeHeader } from "./header";
import { gridKeys } from "./keys";
import { listenToPointer } from "./pointer";
import type { Column, State, Summary } from "./protocol";
import { Rows } from "./rows";
import { barFor, clamp, elementHeight, scrolled, scrollTo, type Scroll } from "./scroll";
import { extent, holds, type Cell, type Selection } from "./selection";
import { Widths } from "./widths";
import { columnsInSight, edges, reveal, rowsInSight, type Range } from "./window";

/** Pixels of a row. */
export const ROW = 26;
/** Milliseconds after which a scroll bar that was moved counts as at rest. */
const REST = 180;

/** Rows of which only what is in sight is drawn. */
export class Grid {
  readonly element: HTMLElement;
  readonly summaries = new Map<number, Summary>();
  selection: Selection = { anchor: { row: 0, column: 0 }, head: { row: 0, column: 0 } };

  readonly #events: GridEvents;
  readonly #cells: CellStore;
  #columns: Column[] = [];
  #state: State = { revision: -1, rows: 0, complete: true, sort: [], conditions: [], hidden: [] };
  #shown: number[] = [];
  readonly #widths: Widths;
  #edges: number[] = [0];
  #scroll: Scroll = { top: 0, at: 0 };
  #frame = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #gutter = 48;
  #headers = new Map<number, HTMLElement>();
  readonly #scroller = html("div", { class: "scroller", tabindex: -1 });
  readonly #sizer = html("div", { class: "sizer" });
  readonly #pane = html("div", { class: "pane" });
  readonly #head = html("div", { class: "head", role: "row", "aria-rowindex": 1 });
  readonly #corner = html("div", { class: "corner", role: "columnheader", "aria-colindex": 1 });
  readonly #body = new Rows();
  readonly #observer: ResizeObserver;
  readonly #release: () => void;

  constructor(cells: CellStore, events: GridEvents) {
    this.#cells = cells;
    this.#events = events;
    this.element = html("div", {
      class: "grid", role: "grid", tabindex: 0,
      "aria-label": "Rows of the frame", "aria-multiselectable": "true", "aria-readonly": "true",
    }, this.#scroller);
    this.#corner.append(html("span", { class: "unseen" }, "Row"));
    this.#head.append(this.#corner);
    this.#pane.append(html("div", { role: "rowgroup", class: "heads" }, this.#head), this.#body.element);
    this.#sizer.append(this.#pane);
    this.#scroller.append(this.#sizer);
    this.#widths = new Widths(this.element);
    this.#scroller.addEventListener("scroll", this.#onScroll, { passive: true });
    this.#listen();
    this.#release = onKeys(this.element, gridKeys(this.#keyTarget()));
    this.#observer = new ResizeObserver(() => this.draw());
    this.#observer.observe(this.#scroller);
  }

  /** Columns in the order shown, by number. */
  get shown(): readonly number[] {
    return this.#shown;
  }

  /** The cell that keys begin from. */
  get active(): Cell {
    return this.selection.head;
  }

  /** Rows in sight, as they were last drawn. */
  rows: Range = { start: 0, stop: 0 };

  /** Show other columns or other rows, of a frame that has so many in all. */
  show(columns: Column[], state: State, all: number): void {
    const anew = state.revision !== this.#state.revision;
    this.#columns = columns;
    this.#state = state;
    const hidden = new Set(state.hidden);
    this.#shown = columns.map((_, i) => i).filter((i) => !hidden.has(i));
    this.#gutter = Math.max(36, count(Math.max(all, 1)).length * 7.6 + 18);
    const last = Math.max(0, this.#shown.length - 1);
    if (anew) this.#move(0);
    // Rows are others now, or the last columns are hidden.
    if (anew || Math.max(this.active.column, this.selection.anchor.column) > last) {
      const row = anew && this.active.row >= 0 ? 0 : this.active.row;
      const cell = { row, column: Math.min(this.active.column, last) };
      this.selection = { anchor: cell, head: cell };
    }
    this.#layOut();
    this.redrawHeaders();
  }

  /** Give columns whose cells have come the room that these need. */
  fit(columns: readonly number[]): void {
    for (const number of columns) {
      const column = this.#columns[number];
      if (column !== undefined) this.#widths.fit(number, column, this.#texts(number));
    }
    this.#layOut();
    this.draw();
  }

  /** What is in sight of a column, or of the first rows. */
  #texts(column: number): string[] {
    const found: string[] = [];
    for (let row = this.rows.start; row < Math.max(this.rows.stop, 40); row++) {
      const text = this.#cells.get(row, column)?.text;
      if (text !== undefined) found.push(text);
    }
    return found;
  }

  /** Make headers anew: what they tell has changed. */
  redrawHeaders(column?: number): void {
    for (const [number, element] of this.#headers) {
      if (column === undefined || number === column) {
        element.remove();
        this.#headers.delete(number);
      }
    }
    this.draw();
  }

  /** Draw at the next frame. */
  draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNow();
    });
  }

  /** Make a cell the active one, and bring it into sight. */
  go(cell: Cell, extend = false): void {
    this.selection = { anchor: extend ? this.selection.anchor : cell, head: cell };
    const { view, width } = this.#space();
    if (cell.row >= 0) {
      const top = reveal(cell.row * ROW, (cell.row + 1) * ROW, this.#scroll.top, view);
      if (top !== this.#scroll.top) this.#move(top);
    }
    const left = this.#edges[cell.column] ?? 0;
    const right = this.#edges[cell.column + 1] ?? left;
    this.#scroller.scrollLeft = reveal(left, right, this.#scroller.scrollLeft, width);
    this.draw();
    this.#events.selected();
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#rest);
    this.#observer.disconnect();
    this.#release();
  }

  // ---------------------------------------------------------------- drawing

  #space(): { view: number; width: number; content: number } {
    const head = this.#head.offsetHeight;
    return {
      view: Math.max(0, this.#scroller.clientHeight - head),
      width: Math.max(0, this.#scroller.clientWidth - this.#gutter),
      content: this.#state.rows * ROW,
    };
  }

  #layOut(): void {
    this.#widths.begin(this.#columns);
    this.#edges = edges(this.#shown.map((number) => this.#widths.get(number)));
    const content = elementHeight(this.#state.rows * ROW);
    this.#sizer.style.height = `${content + this.#head.offsetHeight}px`;
    this.#sizer.style.width = `${this.#gutter + this.#edges[this.#edges.length - 1]!}px`;
    this.#corner.style.width = `${this.#gutter}px`;
    setAttributes(this.element, {
      "aria-rowcount": this.#state.rows + 1,
      "aria-colcount": this.#shown.length + 1,
    });
  }

  #drawNow(): void {
    const { view, width } = this.#space();
    if (this.#scroller.clientHeight === 0) return;
    this.#sizer.style.height
      = `${elementHeight(this.#state.rows * ROW) + this.#head.offsetHeight}px`;
    this.#pane.style.width = `${this.#scroller.clientWidth}px`;
    this.#pane.style.height = `${this.#scroller.clientHeight}px`;
    const left = this.#scroller.scrollLeft;
    this.rows = rowsInSight(this.#scroll.top, view, ROW, this.#state.rows);
    const places = columnsInSight(left, width, this.#edges);
    this.#drawHead(places, left);
    this.#drawBody(places, left);
    const numbers = this.#shown.slice(places.start, places.stop);
    this.#events.sight(this.rows, numbers);
  }

  #drawHead(places: Range, left: number): void {
    const wanted = new Set(this.#shown.slice(places.start, places.stop));
    for (const [number, element] of this.#headers) {
      if (!wanted.has(number)) {
        element.remove();
        this.#headers.delete(number);
      }
    }
    for (let place = places.start; place < places.stop; place++) {
      const number = this.#shown[place]!;
      let element = this.#headers.get(number);
      if (element === undefined) {
        const [column, summary] = [this.#columns[number]!, this.summaries.get(number)];
        element = makeHeader({ number, column, state: this.#state, summary });
        this.#headers.set(number, element);
        this.#head.append(element);
      }
      setAttributes(element, { "aria-colindex": place + 2 });
      this.#put(element, place, left);
      this.#mark(element, { row: -1, column: place });
    }
  }

  #drawBody(places: Range, left: number): void {
    const waits = this.#body.draw(this.rows, places, this.#gutter, {
      title: (row) => {
        const number = this.#cells.number(row);
        return number === undefined ? "" : count(number);
      },
      // Far down there are too many pixels to count from the first row.
      top: (row) => row * ROW - this.#scroll.top,
      cell: (row, place) => this.#cell(row, this.#shown[place]!),
      settle: (element, row, place) => {
        this.#put(element, place, left);
        this.#mark(element, { row, column: place });
      },
    });
    const { row, column } = this.active;
    const drawn = row < 0 || (row >= this.rows.start && row < this.rows.stop);
    const inside = column >= places.start && column < places.stop;
    setAttributes(this.element, {
      "aria-busy": waits ? "true" : null,
      "aria-activedescendant": drawn && inside ? "active" : null,
    });
  }

  #cell(row: number, number: number): { text: string; name: string } {
    const column = this.#columns[number]!;
    const found = this.#cells.get(row, number);
    const name = `td ${column.align}${column.is_index ? " index" : ""}`;
    if (found === undefined) return { text: "", name: `${name} wait` };
    const text = this.#widths.fitting(found.text, number, column);
    return { text, name: `${name} ${MARKS[found.mark] ?? "plain"}` };
  }

  #put(element: HTMLElement, place: number, left: number): void {
    const x = this.#gutter + this.#edges[place]! - left;
    element.style.transform = `translateX(${x}px)`;
    element.style.width = `${this.#edges[place + 1]! - this.#edges[place]!}px`;
  }

  #mark(element: HTMLElement, cell: Cell): void {
    const active = cell.row === this.active.row && cell.column === this.active.column;
    const inside = holds(this.selection, cell, this.#state.rows);
    element.classList.toggle("active", active);
    element.classList.toggle("selected", inside && !active && !this.#single());
    setAttributes(element, {
      id: active ? "active" : null,
      "aria-selected": cell.row < 0 ? null : inside ? "true" : "false",
    });
  }

  #single(): boolean {
    const { anchor, head } = this.selection;
    return anchor.row === head.row && anchor.column === head.column && head.row >= 0;
  }

  // -------------------------------------------------------------- scrolling

  readonly #onScroll = (): void => {
    const { view, content } = this.#space();
    const at = this.#scroller.scrollTop;
    this.#scroll = scrolled(this.#scroll, at, content, view);
    if (this.#scroll.at !== at) this.#setBar(this.#scroll.at);
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      const space = this.#space();
      // A movement that the browser has yet to tell of is not undone.
      if (Math.abs(this.#scroller.scrollTop - this.#scroll.at) >= 1) return;
      this.#setBar(barFor(this.#scroll.top, space.content, space.view));
    }, REST);
    this.draw();
  };

  #move(top: number): void {
    const { view, content } = this.#space();
    this.#scroll = scrollTo(top, content, view);
    this.#setBar(this.#scroll.at);
  }

  #setBar(at: number): void {
    if (Math.abs(this.#scroller.scrollTop - at) >= 1) this.#scroller.scrollTop = at;
    // Browsers round, and what they report next is no movement.
    this.#scroll = { top: this.#scroll.top, at: this.#scroller.scrollTop };
  }

  // ------------------------------------------------------- pointer and keys

  #listen(): void {
    const grid = this;
    listenToPointer(this.#pane, {
      get active() {
        return grid.active;
      },
      cellAt: (event) => this.#cellAt(event),
      go: (cell, extend) => this.go(cell, extend),
      selectRow: (row, extend) => {
        const first = extend ? this.selection.anchor.row : row;
        this.#select({ row: first, column: this.#shown.length - 1 }, { row, column: 0 });
      },
      goToHeader: (column) => this.go({ row: -1, column: this.#shown.indexOf(column) }),
      sort: (column, add) => this.#events.sort(column, add),
      filter: (column) => this.#filter(column),
      open: () => this.#events.open(this.active),
      width: (column) => this.#widths.get(column),
      resize: (column, width) => {
        this.#widths.choose(column, width);
        this.#layOut();
        this.draw();
      },
      fit: (column) => {
        this.#widths.chooseFor(column, this.#columns[column]!, this.#texts(column));
        this.#layOut();
        this.draw();
      },
      focus: () => this.element.focus({ preventScroll: true }),
    });
  }

  #keyTarget(): Parameters<typeof gridKeys>[0] {
    const grid = this;
    const column = (): number | undefined => this.#shown[this.active.column];
    return {
      get active() {
        return grid.active;
      },
      size: () => ({
        rows: this.#state.rows,
        columns: this.#shown.length,
        page: Math.max(1, Math.floor(this.#space().view / ROW) - 1),
      }),
      go: (cell, extend) => this.go(cell, extend),
      selectAll: () => {
        if (this.#state.rows === 0) return false;
        const last = { row: this.#state.rows - 1, column: this.#shown.length - 1 };
        this.#select(last, { row: 0, column: 0 });
        return true;
      },
      selectOne: () => {
        if (this.#single()) return false;
        this.#select(this.active, this.active);
        return true;
      },
      sort: (add) => this.#events.sort(column() ?? -1, add),
      filter: () => this.#filter(column() ?? -1),
      open: () => this.#events.open(this.active),
      copy: () => this.#events.copy(),
      find: () => this.#events.find(),
    };
  }

  #filter(column: number): void {
    this.#events.filter(column, this.#headers.get(column) ?? this.#head);
  }

  #select(anchor: Cell, head: Cell): void {
    this.selection = { anchor, head };
    this.draw();
    this.#events.selected();
  }

  #cellAt(event: PointerEvent): Cell | null {
    const box = this.#body.element.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top + this.#scroll.top) / ROW);
    const x = event.clientX - box.left - this.#gutter + this.#scroller.scrollLeft;
    const place = columnsInSight(Math.max(0, x), 1, this.#edges).start;
    if (this.#state.rows === 0 || this.#shown.length === 0) return null;
    return { row: clamp(row, this.#state.rows - 1), column: clamp(place, this.#shown.length - 1) };
  }

  /** Rows and columns that are selected, columns by number; null if there are none. */
  selected(): { rows: Range; columns: number[] } | null {
    const { rows, columns } = extent(this.selection, this.#state.rows);
    const numbers = this.#shown.slice(columns.start, columns.stop);
    return numbers.length === 0 || rows.start >= rows.stop ? null : { rows, columns: numbers };
  }
}
