/** What stands in the boxes: a condition on a column, the list of columns, and a value. */

import { html } from "../shared/dom";
import { count, nameOf } from "./format";
import { OPERATORS } from "./operators";
import type { Column, Condition, Whole } from "./protocol";

/** Columns that are listed at once. */
const LISTED = 200;

/**
 * A form for a column's condition.
 *
 * @param apply called with the condition, or null for none
 */
export function conditionForm(
  number: number, column: Column, now: Condition | undefined, apply: (made: Condition | null) => void,
): HTMLElement {
  const offered = Object.entries(OPERATORS).filter(([name]) => column.operators.includes(name));
  const usual = column.align === "right" ? "ge" : "contains";
  const first = now?.operator ?? (column.operators.includes(usual) ? usual : offered[0]?.[0]);
  const operator = html("select", { "aria-label": "Operator" }, ...offered.map(([name, { words }]) =>
    html("option", { value: name, selected: name === first }, words)));
  const value = html("input", {
    type: "text",
    "aria-label": "Value",
    placeholder: "value",
    value: now?.value ?? "",
    spellcheck: "false",
    autocomplete: "off",
  });
  const update = (): void => {
    value.hidden = OPERATORS[operator.value]?.bare ?? false;
  };
  operator.addEventListener("change", update);
  update();
  const clear = html("button", { type: "button", disabled: now === undefined }, "Remove");
  clear.addEventListener("click", () => apply(null));
  const form = html("form", { class: "condition" },
    html("div", { class: "caption" }, `Show rows where ${nameOf(column)}`),
    html("div", { class: "line" }, operator, value),
    html("div", { class: "line end" }, clear, html("button", { type: "submit", class: "main" }, "Filter")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply({ column: number, operator: operator.value, value: value.hidden ? "" : value.value });
  });
  (value.hidden ? operator : value).setAttribute("autofocus", "");
  return form;
}

/** What a list of columns does. */
export interface ColumnListEvents {
  /** Bring a column into sight. */
  go(column: number): void;
  /** Hide these columns, show all others. */
  hide(columns: number[]): void;
}

/** A searchable list of columns, in which they are hidden and gone to. */
export function columnList(columns: Column[], hidden: number[], events: ColumnListEvents): HTMLElement {
  const out = new Set(hidden);
  const search = html("input", {
    type: "search", "aria-label": "Find a column", placeholder: "Find a column", spellcheck: "false",
  });
  const list = html("ul", {});
  const told = html("div", { class: "caption", "aria-live": "polite" });
  const all = html("button", { type: "button" }, "Show all");
  all.addEventListener("click", () => {
    out.clear();
    events.hide([]);
    fill();
  });
  let found: number[] = [];
  const fill = (): void => {
    const wanted = search.value.trim().toLowerCase();
    found = columns.map((_, i) => i).filter((i) => nameOf(columns[i]!).toLowerCase().includes(wanted));
    // The row index is listed, and is no column.
    const counts = (one: Column | undefined): boolean => one?.is_index === false;
    const listed = found.filter((i) => counts(columns[i])).length;
    list.replaceChildren(...found.slice(0, LISTED).map(line));
    const more = found.length > LISTED ? `, the first ${LISTED} listed` : "";
    told.textContent = `${count(listed)} of ${count(columns.filter(counts).length)} columns${more}`;
    all.disabled = out.size === 0;
  };
  const line = (number: number): HTMLElement => {
    const column = columns[number]!;
    const box = html("input", { type: "checkbox", "aria-label": `Show ${nameOf(column)}` });
    box.checked = !out.has(number);
    box.addEventListener("change", () => {
      if (box.checked) out.delete(number);
      else out.add(number);
      events.hide([...out]);
      all.disabled = out.size === 0;
    });
    const go = html("button", { type: "button", class: "go", "aria-label": `${nameOf(column)}, ${column.dtype}` },
      html("span", {}, nameOf(column)), html("span", { class: "dtype" }, column.dtype));
    go.addEventListener("click", () => events.go(number));
    return html("li", {}, box, go);
  };
  search.addEventListener("input", fill);
  search.addEventListener("keydown", (event) => {
    const first = found[0];
    if (event.key === "Enter" && first !== undefined) {
      event.preventDefault();
      events.go(first);
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      list.querySelector<HTMLElement>("button")?.focus();
    }
  });
  list.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const lines = [...list.querySelectorAll<HTMLElement>(".go")];
    const line = event.target instanceof Element ? event.target.closest("li")?.querySelector<HTMLElement>(".go") : null;
    const next = lines[lines.indexOf(line!) + (event.key === "ArrowDown" ? 1 : -1)];
    event.preventDefault();
    (next ?? search).focus();
  });
  fill();
  return html("div", { class: "columns" }, search, list, html("div", { class: "line" }, told, all));
}

/** All of a cell's value, to read and to copy. */
export function wholeValue(
  name: string, found: Whole, buttons: { copy: () => void; close: () => void },
): HTMLElement {
  const close = html("button", { type: "button", "aria-label": "Close" }, "Close");
  const copy = html("button", { type: "button" }, "Copy");
  close.addEventListener("click", buttons.close);
  copy.addEventListener("click", buttons.copy);
  const cut = found.text.length < found.length
    ? html("div", { class: "caption" }, `the first ${count(found.text.length)} of ${count(found.length)} characters`) : null;
  return html("div", { class: "whole" },
    html("div", { class: "caption" }, name), html("pre", { tabindex: 0 }, found.shown), cut,
    html("div", { class: "line end" }, copy, close));
}
