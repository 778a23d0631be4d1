/** The drawing: SVG for what is near the part in sight, and nothing for the rest. */

import { setAttributes, svg } from "../shared/dom";
import { BOX_HEIGHT, edgeCentre, LINE_HEIGHT, linePath, toggleWidth, type Bounds, type Box, type Layout } from "./layout";
import type { Item } from "./tree";

/** What is drawn differently though it stands where it stood. */
export interface Marks {
  selected: number | null;
  /** The key of the item that the keyboard is at. */
  active: string;
}

interface Drawn {
  group: SVGGElement;
  line: SVGElement | null;
  edge: SVGGElement | null;
  /** What it was drawn from, to see whether it has to be drawn anew. */
  state: string;
  /** The same of what is inside of its group. */
  shape: string;
}

/** Draws a layout into a group, and keeps what is still right. */
export class Drawing {
  readonly #lines = svg("g", { class: "lines", "aria-hidden": "true" });
  readonly #edges = svg("g", { class: "edges", "aria-hidden": "true" });
  readonly #boxes = svg("g", { class: "boxes", role: "presentation" });
  readonly #drawn = new Map<string, Drawn>();

  constructor(world: SVGGElement) {
    world.append(this.#lines, this.#edges, this.#boxes);
  }

  /** How many boxes are in the page. */
  get count(): number {
    return this.#drawn.size;
  }

  /** The element of an item, if it is near enough to be drawn. */
  element(key: string): SVGGElement | undefined {
    return this.#drawn.get(key)?.group;
  }

  /** Draw what is within some bounds. */
  update(layout: Layout, near: Bounds, marks: Marks): void {
    const gone = new Set(this.#drawn.keys());
    for (const box of layout.boxes) {
      if (!isNear(box, near) && box.item.key !== marks.active) continue;
      gone.delete(box.item.key);
      const state = stateOf(box, marks);
      const before = this.#drawn.get(box.item.key);
      if (before?.state === state) continue;
      const drawn = before ?? this.#begin(box);
      drawn.state = state;
      paint(drawn, box, marks);
    }
    for (const key of gone) this.#erase(key);
  }

  #begin(box: Box): Drawn {
    const group = svg("g", { "data-key": box.item.key });
    const line = box.above === null ? null : svg("path");
    const edge = box.edge === null ? null : svg("g", { class: "edge" });
    this.#boxes.append(group);
    if (line !== null) this.#lines.append(line);
    if (edge !== null) this.#edges.append(edge);
    const drawn = { group, line, edge, state: "", shape: "" };
    this.#drawn.set(box.item.key, drawn);
    return drawn;
  }

  #erase(key: string): void {
    const drawn = this.#drawn.get(key);
    drawn?.group.remove();
    drawn?.line?.remove();
    drawn?.edge?.remove();
    this.#drawn.delete(key);
  }
}

function isNear(box: Box, near: Bounds): boolean {
  const left = box.above === null ? box.x : box.above.x;
  if (left > near.right || box.columnEnd < near.left) return false;
  if (box.y <= near.bottom && box.y + box.height >= near.top) return true;
  // A line may cross the part in sight though neither of its ends is in it.
  const above = box.above?.y ?? box.y;
  // Those of one fan run together: its outer ones stand for all.
  const fan = box.above?.item.children ?? [];
  return (box.item === fan[0] || box.item === fan.at(-1))
    && Math.min(above, box.y) <= near.bottom && Math.max(above, box.y) + box.height >= near.top;
}

function stateOf(box: Box, marks: Marks): string {
  const { item, above } = box;
  return [
    box.x, box.y, box.width, item.text, item.row.failed, box.edge?.text, box.toggle, item.open, item.level, item.position,
    item.siblings, item.row.kind, above?.x, above?.y, above?.columnEnd, above?.width, above?.toggle,
    marks.selected === item.row.node, marks.active === item.key,
  ].join("\u0000");
}

function paint(drawn: Drawn, box: Box, marks: Marks): void {
  const { item } = box;
  const isSelected = item.kind === "row" && marks.selected === item.row.node;
  setAttributes(drawn.group, {
    class: `item ${item.kind} ${item.kind === "row" ? item.row.kind : ""}${isSelected ? " selected" : ""}`,
    role: "treeitem",
    tabindex: marks.active === item.key ? 0 : -1,
    transform: `translate(${box.x},${box.y})`,
    "aria-level": item.level,
    "aria-posinset": item.position,
    "aria-setsize": item.siblings,
    "aria-expanded": box.toggle === null ? null : String(item.open),
    "aria-selected": item.kind === "row" ? String(isSelected) : null,
    "aria-label": spoken(item),
  });
  // Not when it is merely marked: a click whose first half hit what is gone would be lost.
  const shape = [box.width, item.text, item.row.failed, box.toggle, item.row.kind].join("\u0000");
  if (shape !== drawn.shape) drawn.group.replaceChildren(...shapes(box));
  drawn.shape = shape;
  if (drawn.line !== null) setAttributes(drawn.line, { d: linePath(box) });
  if (drawn.edge !== null && box.edge !== null) {
    const x = edgeCentre(box);
    const y = box.y + BOX_HEIGHT / 2;
    const { text, width } = box.edge;
    drawn.edge.replaceChildren(
      svg("rect", { x: x - width / 2 - 4, y: y - 9, width: width + 8, height: 18, rx: 3 }),
      svg("text", { x, y: y + 4.5 }, text),
    );
  }
}

function* shapes(box: Box): Generator<SVGElement> {
  const { item, width, height, lines } = box;
  const round = item.kind !== "row" || item.row.kind === "node" ? BOX_HEIGHT / 2 : 3;
  if (item.kind === "row" && item.row.kind === "artifact") {
    const fold = 8;
    yield svg("path", {
      class: "box",
      d: `M0,0H${width - fold}L${width},${fold}V${BOX_HEIGHT}H0ZM${width - fold},0V${fold}H${width}`,
    });
  } else {
    yield svg("rect", { class: "box", width, height, rx: round });
  }
  const last = lines.length - 1;
  const status = item.row.failed ? box.status : "";
  yield svg("text", { class: "name" }, ...lines.map((line, n) => svg(
    "tspan", { x: width / 2, y: BOX_HEIGHT / 2 + 4.5 + n * LINE_HEIGHT },
    n < last ? `${line} ` : line.slice(0, line.length - status.length - box.tags.length))),
  status === "" ? null : svg("tspan", { class: "failed" }, status),
  box.tags === "" ? null : svg("tspan", { class: "tags" }, box.tags));
  if (item.text !== lines.join(" ")) yield svg("title", {}, item.text);
  if (box.toggle !== null) {
    const wide = toggleWidth(item) - 6;
    yield svg("g", { class: "toggle", transform: `translate(${width + 4},4)` },
      svg("rect", { width: wide, height: BOX_HEIGHT - 8, rx: (BOX_HEIGHT - 8) / 2 }),
      svg("text", { x: wide / 2, y: 13 }, box.toggle),
    );
  }
}

const KINDS = { node: "", model: "model ", artifact: "value " };

/** What a screen reader says. */
export function spoken(item: Item): string {
  const { row } = item;
  if (item.kind === "more") return `${item.text}, load them`;
  if (item.kind === "problem") return `${item.text} Press Enter to try again.`;
  if (item.kind === "loading") return "Loading";
  const count = row.count === 0 ? "" : `, ${row.count}${row.capped ? " or more" : ""} below`;
  if (row.kind === "node") return `${item.text}${count}`;
  return `${row.label === null ? "" : `${row.label}: `}${KINDS[row.kind]}${item.text}${count}`;
}

/** Which item an event has hit. */
export function keyOf(target: EventTarget | null): string | null {
  return target instanceof Element ? target.closest("[data-key]")?.getAttribute("data-key") ?? null : null;
}
