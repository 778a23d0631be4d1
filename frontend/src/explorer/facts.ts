/** What a thing tells of itself, as elements; the counterpart of `artigraph.display.html`. */

import { html, svg, type Child } from "../shared/dom";
import type { Badge, Curve, Facts, Field, Table } from "./types";

/** Pictures that every browser draws, and that run nothing. */
const PICTURES = new Set(["png", "jpeg", "gif", "webp"]);

/** Draw facts. */
export function drawFacts(facts: Facts): HTMLElement {
  return html("div", { class: "facts" }, ...blocks(facts));
}

function* blocks(facts: Facts): Generator<HTMLElement> {
  for (const warning of facts.warnings) yield html("p", { class: "warning" }, warning);
  if (facts.notes.length > 0) {
    yield html("dl", { class: "notes" }, ...facts.notes.flatMap(([name, value]) => [
      html("dt", {}, name), html("dd", {}, value),
    ]));
  }
  for (const line of facts.lines) yield html("p", { class: "line" }, line);
  if (facts.picture !== null && /^[A-Za-z0-9+/=]*$/.test(facts.picture.png)) {
    const image = html("img", { alt: facts.name, width: facts.picture.width });
    const { type = "png", png } = facts.picture;
    image.src = `data:image/${PICTURES.has(type) ? type : "png"};base64,${png}`;
    yield image;
  }
  if (facts.fields.length > 0) {
    yield html("ul", { class: "fields" }, ...facts.fields.map(drawField), more(facts.more_fields));
  }
  if (facts.table !== null) yield drawTable(facts.table);
  if (facts.code !== "") yield html("pre", { class: "code" }, facts.code);
}

function drawField(field: Field): HTMLElement {
  const head = [
    html("span", { class: "field-name" }, field.name),
    html("span", { class: "field-type" }, field.type),
    ...drawBadges(field.badges),
    html("span", { class: "field-value" }, field.value),
  ];
  if (field.inside === null) return html("li", {}, html("div", { class: "field" }, ...head));
  return html("li", {}, html("details", {},
    html("summary", { class: "field" }, ...head), drawFacts(field.inside)));
}

/** Words beside a name. */
export function drawBadges(badges: Badge[]): HTMLElement[] {
  return badges.map((badge) => html("span", { class: "badge", "data-role": badge.role }, badge.text));
}

function drawTable(table: Table): HTMLElement {
  const numbers = new Set(table.numbers);
  const gap = table.gap !== null && table.more > 0 ? table.gap : -1;
  const wide = table.columns.length + (table.more_columns > 0 ? 1 : 0);
  const ellipsis = (): HTMLElement => html("tr", { class: "quiet" },
    html("td", { colspan: wide }, `… ${table.more.toLocaleString("en")} more`));
  const rows = table.rows.map((row) => html("tr", {}, ...row.map((cell, column) =>
    html("td", { class: numbers.has(column) ? "number" : null }, drawCell(cell)))));
  if (gap >= 0) rows.splice(Math.min(gap, rows.length), 0, ellipsis() as HTMLTableRowElement);
  const head = table.columns.map((name, column) => html("th", { scope: "col" }, name,
    table.types[column] === undefined ? null : html("span", { class: "field-type" }, table.types[column])));
  if (table.more_columns > 0) head.push(html("th", { class: "quiet" }, `+${table.more_columns}`));
  return html("div", { class: "table", tabindex: 0, role: "region", "aria-label": "Table" },
    html("table", {}, html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...rows)));
}

function drawCell(cell: string | Curve): Child {
  if (typeof cell === "string") return cell;
  if (cell.lines.length === 0) return null;
  return svg("svg", {
    class: "curve", width: 96, height: 20, viewBox: "0 0 96 20", "aria-hidden": "true",
    fill: "none", stroke: "currentColor", "stroke-linecap": "round",
  }, ...cell.lines.map((points) => svg("polyline", { points })));
}

function more(count: number): HTMLElement | null {
  return count > 0 ? html("li", { class: "quiet" }, `+${count.toLocaleString("en")} more`) : null;
}
