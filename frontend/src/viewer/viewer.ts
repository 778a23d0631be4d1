/** The viewer: a bar, chips for what rows are sorted and filtered by, the grid, and a foot. */

import { html } from "../shared/dom";
import { RequestError, type Ask } from "../shared/requests";
import { Silence } from "../shared/silence";
import { CellStore } from "./cells";
import { makeChips } from "./chips";
import { copyText } from "./clipboard";
import { Foot } from "./foot";
import { columnList, conditionForm, wholeValue } from "./forms";
import { columnName, count, counted, nameOf } from "./format";
import { Grid } from "./grid";
import { openPopover, type Popover } from "./popover";
import type { Cells, Chosen, Column, Condition, Facts, FirstPage, Outdated, SortKey, State, Whole } from "./protocol";
import { askJob, Reader } from "./reader";
import { toTsv, type Cell } from "./selection";
import { Unopened } from "./unopened";

/** Cells that are copied at once, at most. */
const MOST_COPIED = 100_000;
/** Milliseconds that keys may be held before Python is told what is selected. */
const CALM = 150;

export class Viewer {
  readonly element = html("div", { class: "viewer" });
  readonly #ask: Ask;
  readonly #choose: (chosen: Chosen) => void;
  readonly #cells = new CellStore();
  readonly #grid: Grid;
  readonly #reader: Reader;
  #columns: Column[] = [];
  #all = false;
  #facts: Facts | null = null;
  #state: State = { revision: 0, rows: 0, complete: true, sort: [], conditions: [], hidden: [] };
  #popover: Popover | null = null;
  #job: AbortController | null = null;
  #pending: { sort: SortKey[]; conditions: Condition[] } | null = null;
  #selecting: ReturnType<typeof setTimeout> | undefined;
  #looking: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #loading = false;
  #cell: AbortController | null = null;
  readonly #silence: Silence;

  readonly #title = html("div", { class: "title" });
  readonly #columnsButton = html("button", { type: "button", "aria-haspopup": "dialog", title: "Find and hide columns (/)" }, "Columns");
  readonly #chips = html("div", { class: "chips", hidden: true, role: "group", "aria-label": "Order and filters" });
  readonly #foot = new Foot();
  readonly #unopened: Unopened;

  constructor(ask: Ask, choose: (chosen: Chosen) => void) {
    this.#ask = ask;
    this.#choose = choose;
    this.#silence = new Silence(ask, "open");
    this.#reader = new Reader(ask, this.#cells, {
      cells: (columns) => {
        this.#grid.fit(columns);
        this.#showActive();
      },
      summary: (column, summary) => {
        this.#grid.summaries.set(column, summary);
        this.#grid.redrawHeaders(column);
      },
      state: (state) => this.refresh(state),
      problem: (error) => {
        if (error === null) this.#foot.solved();
        else this.#problem(error, () => this.#grid.draw());
      },
    });
    this.#grid = new Grid(this.#cells, {
      sight: (rows, columns) => this.#inSight(rows, columns),
      selected: () => this.#selected(),
      sort: (column, add) => this.#sort(column, add),
      filter: (column, near) => this.#filter(column, near),
      open: (cell) => void this.#open(cell),
      copy: () => void this.#copy(),
      find: () => this.#find(),
    });
    const bar = html("div", { class: "bar" }, this.#title, this.#columnsButton);
    this.#unopened = new Unopened(bar, this.#grid.element);
    this.element.append(
      bar, this.#chips, this.#grid.element, this.#unopened.element, this.#foot.element,
    );
    this.#columnsButton.addEventListener("click", () => this.#find());
    // Whoever goes on to a cell may run it at once.
    this.#grid.element.addEventListener("focusout", () => this.#tell());
  }

  /** Begin, once the element is in the page, where it can be measured. */
  start(first: FirstPage): void {
    this.first(first);
    void this.#load();
  }

  /** Show the first page, unless more is known already. */
  first(page: FirstPage): void {
    if (this.#all) return;
    if ("error" in page) this.#problem(new Error(page.error as string), () => void this.#load());
    if (!("cells" in page)) return;
    const { cells, ...facts } = page as Facts & { cells: Cells };
    // Those cells are as stored; what was sorted since has to be asked for.
    if (facts.state.revision === 0) {
      this.#cells.put(0, cells.texts.map((_, i) => i), cells);
    }
    this.#know(facts);
    this.#grid.fit(cells.texts.map((_, i) => i));
  }

  /** Show what Python says is shown now, whoever changed it. */
  refresh(state: State): void {
    if (this.#facts === null) return;
    this.#follow(state);
    this.#show();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#selecting);
    this.#selecting = undefined;
    clearTimeout(this.#looking);
    this.#job?.abort();
    this.#cell?.abort();
    this.#silence.close();
    this.#popover?.close();
    this.#reader.close();
    this.#grid.close();
    this.element.remove();
  }

  // ------------------------------------------------------------------ facts

  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    const isFirst = this.#facts === null;
    if (isFirst) this.#foot.say("Reading …");
    try {
      const facts = await this.#ask<Facts>("open");
      this.#all = true;
      this.#follow(facts.state);
      if (isFirst) this.#foot.say("");
      else this.#foot.solved();
      this.#know(facts);
    } catch (error) {
      this.#problem(error, () => void this.#load());
    } finally {
      this.#loading = false;
    }
  }

  /** Tell why something failed; what met with silence is tried again once Python answers. */
  #problem(error: unknown, retry?: () => void): void {
    if (this.#facts === null) this.#foot.say("");
    (this.#facts === null ? this.#unopened : this.#foot).problem(error, retry);
    if (!retry || !(error instanceof RequestError && error.reason === "silent")) return;
    void this.#silence.over(() => {
      this.#foot.again(retry);
      if (!this.#all) void this.#load();
    });
  }

  #follow(state: State): void {
    if (state.revision !== this.#state.revision) {
      this.#reader.forget();
      this.#cells.clear();
    }
    this.#state = state;
  }

  #know(facts: Facts): void {
    this.#unopened.clear();
    this.#facts = facts;
    this.#columns = facts.columns;
    this.#state = facts.state;
    const size = `${counted(facts.rows, "row")} × ${counted(facts.num_columns, "column")}, ${facts.size}`;
    this.#title.replaceChildren(
      ...(facts.label ? [html("strong", {}, facts.label), " "] : []), html("span", { class: "size" }, size));
    this.#show();
  }

  #show(): void {
    this.#grid.show(this.#columns, this.#state, this.#facts?.rows ?? this.#state.rows);
    this.#showChips();
    this.#showActive();
  }

  #showChips(): void {
    const chips = makeChips(this.#state, this.#columns, {
      arrange: (sort, conditions) => void this.#arrange(sort, conditions),
      unhide: () => void this.#hide([]),
    });
    this.#chips.replaceChildren(...chips);
    this.#chips.hidden = chips.length === 0;
  }

  // ------------------------------------------------------------------ sight

  #inSight(rows: { start: number; stop: number }, columns: number[]): void {
    if (this.#facts === null || this.#closed) return;
    const { rows: shown, complete } = this.#state;
    const all = this.#facts.rows;
    const of = !complete ? `${count(shown)} so far` : shown === all ? count(all) : `${count(shown)} (of ${count(all)})`;
    this.#foot.where.textContent = shown === 0 ? (all === 0 ? "No rows" : "No row meets the conditions")
      : `${count(rows.start + 1)}–${count(rows.stop)} of ${of}`;
    this.#reader.want(rows, columns, this.#state);
    this.#reader.summarize(columns);
  }

  #selected(): void {
    this.#showActive();
    clearTimeout(this.#selecting);
    this.#selecting = setTimeout(() => this.#tell(), CALM);
  }

  /** Tell Python what is selected, if it does not know yet. */
  #tell(): void {
    if (this.#selecting === undefined) return;
    clearTimeout(this.#selecting);
    this.#selecting = undefined;
    const found = this.#grid.selected();
    if (found === null) return;
    const { start, stop } = found.rows;
    this.#choose({ revision: this.#state.revision, start, stop, columns: found.columns });
  }

  /** The active cell's value, whole where that is little. */
  #showActive(): void {
    clearTimeout(this.#looking);
    const { row, column: place } = this.#grid.active;
    const column = this.#grid.shown[place];
    const found = column === undefined || row < 0 ? undefined : this.#cells.get(row, column);
    const chosen = this.#grid.selected();
    const several = chosen !== null && (chosen.rows.stop - chosen.rows.start > 1 || chosen.columns.length > 1);
    this.#foot.value();
    if (several && row >= 0) {
      const rows = counted(chosen.rows.stop - chosen.rows.start, "row");
      this.#foot.value(`${rows} × ${counted(chosen.columns.length, "column")} selected`);
    } else if (found !== undefined && column !== undefined) {
      this.#foot.value(html("span", { class: "of" }, `${columnName(this.#columns, column)}:`), " ",
        html("span", { class: found.mark === "0" ? "missing" : "" }, found.text));
      if (found.mark === "c") this.#looking = setTimeout(() => void this.#look(row, column), CALM);
    }
  }

  async #look(row: number, column: number): Promise<void> {
    const found = await this.#whole(row, column).catch(() => null);
    if (found === null || this.#closed) return;
    const { row: now, column: place } = this.#grid.active;
    if (now !== row || this.#grid.shown[place] !== column) return;
    const more = html("button", { type: "button", title: "Show all of it (Enter)" }, "Show all");
    more.addEventListener("click", () => void this.#open(this.#grid.active));
    const long = found.shown.length > 80 || found.shown.includes("\n");
    this.#foot.value(html("span", { class: "of" }, `${columnName(this.#columns, column)}:`), " ",
      html("span", {}, found.shown.slice(0, 300)), ...(long ? [" ", more] : []));
  }

  async #whole(row: number, column: number): Promise<Whole | null> {
    this.#cell?.abort();
    this.#cell = new AbortController();
    const params = { revision: this.#state.revision, row, column };
    const answer = await this.#ask<Whole | { text: null } | Outdated>(
      "cell", params, { signal: this.#cell.signal });
    if ("state" in answer) {
      this.refresh(answer.state);
      return null;
    }
    return answer.text === null ? null : answer;
  }

  async #open(cell: Cell): Promise<void> {
    const column = this.#grid.shown[cell.column];
    if (column === undefined || cell.row < 0) return;
    try {
      const found = await this.#whole(cell.row, column);
      if (found === null) return;
      const name = `${columnName(this.#columns, column)}, row ${count(this.#cells.number(cell.row) ?? cell.row)}`;
      this.#pop(this.#foot.where, name, wholeValue(name, found, {
        close: () => this.#popover?.close(),
        copy: () => void this.#write(found.text, "1 cell copied"),
      }));
    } catch (error) {
      this.#foot.problem(error);
    }
  }

  // -------------------------------------------------------- order and filters

  /** What rows will be sorted and filtered by, once what is under way is done. */
  get #goal(): { sort: SortKey[]; conditions: Condition[] } {
    return this.#pending ?? this.#state;
  }

  #sort(column: number, add: boolean): void {
    const facts = this.#columns[column];
    if (!facts?.can_sort) {
      this.#foot.say(`Rows cannot be sorted by ${columnName(this.#columns, column)} (${facts?.dtype ?? ""}).`);
      return;
    }
    const { sort, conditions } = this.#goal;
    const now = sort.find((key) => key.column === column);
    const others = add ? sort.filter((key) => key !== now) : [];
    const next = now === undefined ? [{ column, descending: false }]
      : now.descending ? [] : [{ column, descending: true }];
    void this.#arrange([...others, ...next], conditions);
  }

  #filter(column: number, near: HTMLElement): void {
    const facts = this.#columns[column];
    if (facts === undefined) return;
    const { sort, conditions } = this.#goal;
    const now = conditions.find((condition) => condition.column === column);
    const form = conditionForm(column, facts, now, (made) => {
      this.#popover?.close();
      const others = conditions.filter((condition) => condition !== now);
      void this.#arrange(sort, made === null ? others : [...others, made]);
    });
    this.#pop(near, `Filter ${nameOf(facts)}`, form);
  }

  async #arrange(sort: SortKey[], conditions: Condition[]): Promise<void> {
    this.#job?.abort();
    const job = new AbortController();
    this.#job = job;
    this.#pending = { sort, conditions };
    this.#foot.work(conditions.length > 0 ? "Looking for rows …" : "Sorting …", () => job.abort());
    try {
      const state = await askJob<State>(this.#ask, "arrange", { sort, conditions }, job.signal,
        (done, total) => {
          if (this.#job === job && total > 0) this.#foot.progress(done / total);
        });
      if (this.#job !== job) return;
      this.#job = this.#pending = null;
      this.#foot.rest();
      this.refresh(state);
      this.#foot.say(conditions.length > 0 ? counted(state.rows, "row") + " found." : "");
    } catch (error) {
      if (this.#job !== job) return;
      this.#job = this.#pending = null;
      this.#foot.rest();
      const again = (): void => void this.#arrange(sort, conditions);
      // What Python refused, it would refuse again.
      this.#problem(error, error instanceof RequestError && error.reason === "failed" ? undefined : again);
    }
  }

  async #hide(columns: number[]): Promise<void> {
    try {
      this.refresh(await this.#ask<State>("hide", { columns }));
    } catch (error) {
      this.#problem(error, () => void this.#hide(columns));
    }
  }

  #find(): void {
    if (this.#facts === null) return;
    const list = columnList(this.#columns, this.#state.hidden, {
      go: (column) => {
        this.#popover?.close();
        const place = this.#grid.shown.indexOf(column);
        if (place >= 0) this.#grid.go({ row: Math.max(0, this.#grid.active.row), column: place });
      },
      hide: (columns) => void this.#hide(columns),
    });
    this.#pop(this.#columnsButton, "Columns", list);
  }

  #pop(near: HTMLElement, name: string, content: HTMLElement): void {
    this.#popover?.close();
    this.#popover = openPopover(this.element, near, name, content, () => {
      this.#popover = null;
      if (!this.#closed) this.#grid.element.focus({ preventScroll: true });
    });
  }

  async #copy(): Promise<void> {
    const found = this.#grid.selected();
    if (found === null) return;
    const { rows, columns } = found;
    const cells = (rows.stop - rows.start) * columns.length;
    if (cells > MOST_COPIED) {
      this.#foot.say(`${count(cells)} cells are too many to copy. Use: await viewer.to_pandas(selected=True)`);
      return;
    }
    try {
      const params = { revision: this.#state.revision, start: rows.start, stop: rows.stop, columns };
      const answer = await this.#ask<{ values: (string | null)[][] } | Outdated>("values", params);
      if ("state" in answer) this.refresh(answer.state);
      else await this.#write(toTsv(answer.values), `${counted(cells, "cell")} copied`);
    } catch (error) {
      this.#foot.problem(error, () => void this.#copy());
    }
  }

  async #write(text: string, told: string): Promise<void> {
    const done = await copyText(text, this.element);
    this.#foot.say(done ? told : "The browser did not allow copying.");
  }
}
