/** Asks for what is in sight, and for nothing that is not in sight any more. */

import { RequestError, type Ask } from "../shared/requests";
import type { CellStore } from "./cells";
import type { Cells, Job, Outdated, State, Summary } from "./protocol";
import { widened, type Range } from "./window";

/** Rows that are read beyond those in sight, where neighbours cost nothing. */
const AHEAD = 60;
/** Milliseconds that quick scrolling is given to settle. */
const SETTLE = 60;
/** Summaries that are asked for at once. */
const AT_ONCE = 2;

/** What a reader tells. */
export interface ReaderEvents {
  /** New cells of some columns are kept. */
  cells(columns: readonly number[]): void;
  /** A column's summary is there. */
  summary(column: number, summary: Summary): void;
  /** Rows or their order are others now. */
  state(state: State): void;
  /** Something failed; null: it works again. */
  problem(error: RequestError | null): void;
}

/** Reads windows and summaries of one frame. */
export class Reader {
  readonly #ask: Ask;
  readonly #cells: CellStore;
  readonly #events: ReaderEvents;
  #window: { abort: AbortController; rows: Range; columns: Set<number> } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;
  #failed = false;
  readonly #summaries = new Map<number, AbortController>();
  readonly #summarized = new Set<number>();

  constructor(ask: Ask, cells: CellStore, events: ReaderEvents) {
    this.#ask = ask;
    this.#cells = cells;
    this.#events = events;
  }

  /** Whether cells are on their way. */
  get busy(): boolean {
    return this.#window !== null || this.#timer !== undefined;
  }

  /** See to it that a window is kept; a later call makes an earlier one stale. */
  want(rows: Range, columns: readonly number[], state: State): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const missing = this.#cells.missing(rows, columns);
    if (missing === null || this.#coming(missing.rows, missing.columns)) return;
    const now = performance.now();
    const wait = this.#window === null && now - this.#last > SETTLE ? 0 : SETTLE;
    this.#last = now;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#read(missing.rows, missing.columns, state);
    }, wait);
  }

  /** Forget the window on its way: it is of rows that are not shown any more. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#window?.abort.abort();
    this.#window = null;
  }

  /** Ask for summaries of columns in sight, and drop those of others. */
  summarize(columns: readonly number[]): void {
    const wanted = new Set(columns);
    for (const [column, abort] of this.#summaries) if (!wanted.has(column)) abort.abort();
    if (this.busy || this.#failed) return;
    for (const column of columns) {
      if (this.#summaries.size >= AT_ONCE) return;
      if (!this.#summarized.has(column) && !this.#summaries.has(column)) {
        void this.#summarize(column, columns);
      }
    }
  }

  /** Stop everything. */
  close(): void {
    this.forget();
    for (const abort of this.#summaries.values()) abort.abort();
  }

  #coming(rows: Range, columns: readonly number[]): boolean {
    const window = this.#window;
    return window !== null && window.rows.start <= rows.start && rows.stop <= window.rows.stop
      && columns.every((column) => window.columns.has(column));
  }

  async #read(rows: Range, columns: number[], state: State): Promise<void> {
    this.#window?.abort.abort();
    // Sorted rows lie anywhere in the file, so each costs as much as the first.
    const range = state.sort.length ? rows : widened(rows, AHEAD, state.rows);
    const mine = { abort: new AbortController(), rows: range, columns: new Set(columns) };
    this.#window = mine;
    try {
      const answer = await this.#ask<Cells | Outdated>(
        "cells",
        { revision: state.revision, start: range.start, stop: range.stop, columns },
        { signal: mine.abort.signal, timeout: 60_000 },
      );
      if (this.#window !== mine) return;
      this.#window = null;
      this.#note(null);
      if ("state" in answer) {
        this.#events.state(answer.state);
      } else {
        this.#cells.put(range.start, columns, answer);
        this.#events.cells(columns);
      }
    } catch (error) {
      if (this.#window === mine) {
        this.#window = null;
        this.#note(error);
      }
    }
  }

  async #summarize(column: number, others: readonly number[]): Promise<void> {
    const abort = new AbortController();
    let silent = false;
    this.#summaries.set(column, abort);
    try {
      const found = await askJob<Summary>(this.#ask, "summary", { column }, abort.signal);
      this.#summarized.add(column);
      this.#events.summary(column, found);
    } catch (error) {
      silent = error instanceof RequestError && error.reason === "silent";
      // One that fails is not asked for again; the cells tell why.
      if (!silent && !abort.signal.aborted) this.#summarized.add(column);
    }
    this.#summaries.delete(column);
    if (!silent && !abort.signal.aborted) this.summarize(others);
  }

  #note(error: unknown): void {
    if (error !== null && !(error instanceof RequestError)) throw error;
    if (error?.reason === "cancelled") return;
    this.#failed = error !== null;
    this.#events.problem(error);
  }
}

/**
 * Have some work done that may take longer than one answer.
 *
 * @param progress told how much of how much is done
 */
export async function askJob<T>(
  ask: Ask,
  method: string,
  params: object,
  signal: AbortSignal,
  progress: (done: number, total: number) => void = () => undefined,
): Promise<T> {
  let job: number | null = null;
  for (;;) {
    const answer: Job<T> = await ask<Job<T>>(method, { ...params, job }, { signal });
    if ("result" in answer) return answer.result;
    job = answer.job;
    progress(answer.done, answer.total);
  }
}
