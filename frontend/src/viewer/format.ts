/** Numbers and words as the viewer writes them. */

import type { Column, Condition, Summary } from "./protocol";
import { OPERATORS } from "./protocol";

/** `1,234,567` */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1,234 rows` */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** What stands over a column, which may have no name. */
export function nameOf(column: Column): string {
  return column.label || (column.is_index ? "index" : "(no name)");
}

/** A column's name by its number, also of one that is not known yet. */
export function columnName(columns: readonly Column[], number: number): string {
  const found = columns[number];
  return found ? nameOf(found) : `column ${number}`;
}

/** A condition as a sentence has it: `loss < 0.5`. */
export function sentence(condition: Condition, column: Column): string {
  const operator = OPERATORS[condition.operator] ?? condition.operator;
  const bare = condition.operator === "missing" || condition.operator === "present";
  return `${nameOf(column)} ${operator}${bare ? "" : ` ${condition.value || '""'}`}`;
}

/** The share of missing values, if there are any: `3% missing`. */
export function missingShare(summary: Summary): string | null {
  const [part, all] = summary.missing === null
    ? [summary.read_missing, summary.read_rows]
    : [summary.missing, summary.rows];
  if (part === 0 || all === 0) return null;
  const percent = (part / all) * 100;
  const shown = percent < 0.1 ? "<0.1" : percent > 99.9 && part < all ? ">99.9"
    : percent.toFixed(percent < 10 ? 1 : 0).replace(/\.0$/, "");
  return `${shown}% missing`;
}

/** Everything that is known of a column, in sentences. */
export function explain(column: Column, summary: Summary | undefined): string {
  const lines = [`${nameOf(column)}: ${column.dtype}${column.is_index ? ", row index" : ""}`];
  if (summary === undefined) return lines.join("\n");
  const { rows, read_rows: read, missing } = summary;
  lines.push(missing === null
    ? `${count(summary.read_missing)} missing of ${count(read)} rows read`
    : `${count(missing)} missing of ${counted(rows, "row")}`);
  if (summary.low !== null) {
    lines.push(`from ${summary.low} to ${summary.high}${summary.exact ? "" : " in the rows read"}`);
  }
  if (summary.distinct !== null) {
    const at = read < rows ? "at least " : "";
    lines.push(`${at}${count(summary.distinct)} different`);
  }
  if (summary.names.length > 0) {
    const top = summary.names.slice(0, 5);
    lines.push(...top.map((name, i) => `  ${name} × ${count(summary.bars[i] ?? 0)}`));
  }
  if (read < rows) lines.push(`drawn from ${count(read)} of ${counted(rows, "row")}`);
  return lines.join("\n");
}

/** A number in few characters, for where its size is what matters: `1.2M`. */
export function compact(text: string): string {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) return text;
  const size = Math.abs(value);
  if (text.length <= 5) return text;
  if (size >= 1e15 || (size < 1e-3 && size > 0)) return value.toExponential(1);
  for (const [unit, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]] as const) {
    if (size >= unit * 0.9995) return digits(value / (letter === "k" ? 1e3 : unit)) + letter;
  }
  return digits(value);
}

/** The least and the greatest value in few characters: of times, what tells them apart. */
export function ends(low: string, high: string): [string, string] {
  const time = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d)/;
  const [from, to] = [time.exec(low), time.exec(high)];
  if (from === null || to === null) return [compact(low), compact(high)];
  const part = from[1] === to[1] ? 2 : 1;
  return [from[part]!, to[part]!];
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Pixels that a text takes. */
export type Measure = (text: string, font: "cell" | "name" | "small") => number;

const WIDEST = 320;

/** How wide a column is, in pixels, by its header and the texts that are known of it. */
export function widthFor(column: Column, texts: readonly string[], measure: Measure): number {
  const name = measure(nameOf(column), "name") + 40;
  const kind = measure(column.dtype.slice(0, 24), "small") + 52;
  const longest = texts.reduce((most, text) => (text.length > most.length ? text : most), "");
  const content = texts.length > 0 ? measure(longest, "cell") + 26 : column.align === "right" ? 110 : 150;
  return Math.round(Math.min(Math.max(name, kind, content, 92), WIDEST));
}
