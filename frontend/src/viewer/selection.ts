/** What is selected: a rectangle of cells, from where it began to where it went. */

import type { Range } from "./window";

/** A cell; row -1 is the header. Columns are counted as they are shown. */
export interface Cell {
  row: number;
  column: number;
}

/** A rectangle between two cells. */
export interface Selection {
  anchor: Cell;
  head: Cell;
}

/** Rows and columns of a selection; headers alone, which sort, stand for no row. */
export function extent(selection: Selection, rows: number): { rows: Range; columns: Range } {
  const { anchor, head } = selection;
  const columns = span(anchor.column, head.column);
  if (anchor.row < 0 && head.row < 0) return { rows: { start: 0, stop: 0 }, columns };
  const found = span(Math.max(anchor.row, 0), Math.max(head.row, 0));
  return { rows: { start: found.start, stop: Math.min(found.stop, rows) }, columns };
}

/** Whether a cell is selected. */
export function holds(selection: Selection | null, cell: Cell, rows: number): boolean {
  if (selection === null || cell.row < 0) return false;
  const found = extent(selection, rows);
  return within(found.rows, cell.row) && within(found.columns, cell.column);
}

/** A cell that is moved, and stays within what there is; the header is row -1. */
export function moved(cell: Cell, down: number, right: number, rows: number, columns: number): Cell {
  return {
    row: Math.max(-1, Math.min(cell.row + down, rows - 1)),
    column: Math.max(0, Math.min(cell.column + right, columns - 1)),
  };
}

/**
 * Cells as spreadsheets take them: tabs between columns, lines between rows.
 *
 * @param columns for each column the text of each row; missing ones are left empty
 */
export function toTsv(columns: readonly (readonly (string | null)[])[]): string {
  const rows = columns[0]?.length ?? 0;
  return Array.from({ length: rows }, (_, row) =>
    columns.map((column) => quoted(column[row] ?? "")).join("\t"),
  ).join("\n");
}

function quoted(text: string): string {
  return /["\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function span(one: number, other: number): Range {
  return { start: Math.min(one, other), stop: Math.max(one, other) + 1 };
}

function within(range: Range, value: number): boolean {
  return range.start <= value && value < range.stop;
}
