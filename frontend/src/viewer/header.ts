/** What stands over a column: its name, its type, and what it holds at a glance. */

import { html, setAttributes, svg } from "../shared/dom";
import { count, ends, explain, missingShare, nameOf } from "./format";
import type { Column, State, Summary } from "./protocol";

const PLOT_WIDTH = 100;
const PLOT_HEIGHT = 26;

/** What a header is made from. */
export interface HeaderFacts {
  number: number;
  column: Column;
  state: State;
  summary: Summary | undefined;
}

/** Make a column's header; what it does is up to who listens. */
export function makeHeader({ number, column, state, summary }: HeaderFacts): HTMLElement {
  const place = state.sort.findIndex((key) => key.column === number);
  const key = state.sort[place];
  const order = key === undefined ? "none" : key.descending ? "descending" : "ascending";
  const filtered = state.conditions.some((condition) => condition.column === number);
  const share = summary && missingShare(summary);
  const sign = html("span", { class: "order", "aria-hidden": "true" });
  if (key) {
    sign.textContent = (key.descending ? "▼" : "▲") + (state.sort.length > 1 ? place + 1 : "");
  }
  const funnel = html("button", {
    class: filtered ? "funnel on" : "funnel",
    type: "button",
    tabindex: -1,
    "aria-label": `Filter ${nameOf(column)}`,
    title: "Filter (F)",
  }, svg("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" },
    svg("path", { d: "M1 2h10L7.3 6.4V11L4.7 9.4V6.4Z" })));
  return html(
    "div",
    {
      role: "columnheader",
      class: `th ${column.align}${column.is_index ? " index" : ""}${column.can_sort ? "" : " fixed"}`,
      "aria-sort": column.can_sort ? order : null,
      "aria-label": [nameOf(column), column.dtype, share].filter(Boolean).join(", "),
      "data-column": number,
      title: explain(column, summary),
    },
    html("div", { class: "name" },
      html("span", { class: column.label ? "label" : "label nameless" }, nameOf(column)), sign, funnel),
    html("div", { class: "kind" },
      html("span", { class: "dtype" }, column.dtype),
      share ? html("span", { class: "share", "aria-label": share }, share.replace("missing", "∅")) : null),
    summary ? plot(summary) : html("div", { class: "plot" }),
    html("div", { class: "ends" }, ...endsOf(summary)),
    html("div", { class: "edge", "aria-hidden": "true" }),
  );
}

function endsOf(summary: Summary | undefined): HTMLElement[] {
  if (summary === undefined) return [];
  const { distinct, exact, high, low, names, rows, read_rows: read } = summary;
  if (names.length > 0 && distinct !== null) {
    const more = read < rows ? "≥ " : "";
    return [html("span", {}, `${more}${count(distinct)} ${distinct === 1 ? "value" : "values"}`)];
  }
  if (low === null || high === null) return [];
  const [first, last] = ends(low, high);
  return [html("span", {}, (exact ? "" : "≈ ") + first), html("span", {}, last)];
}

function plot(summary: Summary): HTMLElement {
  const { bars, names } = summary;
  const drawn = svg("svg", {
    class: names.length > 0 ? "values" : "histogram",
    viewBox: `0 0 ${PLOT_WIDTH} ${PLOT_HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  const most = Math.max(...bars, 1);
  // Values that are there once each have no shape.
  if (names.length > 1 && most === 1) return html("div", { class: "plot" });
  const slots = names.length > 0 ? Math.max(bars.length, 8) : bars.length;
  const width = PLOT_WIDTH / Math.max(slots, 1);
  bars.forEach((bar, i) => {
    // What is there shows, however little it is.
    const height = bar === 0 ? 0 : Math.max(1.5, (bar / most) * PLOT_HEIGHT);
    const rect = svg("rect");
    setAttributes(rect, {
      x: (i * width + 0.4).toFixed(2),
      width: Math.max(width - 0.8, 0.4).toFixed(2),
      y: (PLOT_HEIGHT - height).toFixed(2),
      height: height.toFixed(2),
    });
    drawn.append(rect);
  });
  return html("div", { class: "plot" }, drawn);
}
