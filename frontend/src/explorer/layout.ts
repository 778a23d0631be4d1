/** Where everything stands: columns from left to right, siblings below each other. */

import { flextree } from "d3-flextree";
import { countText, edgeText, statusText, tagsText, type Item } from "./tree";

export const BOX_HEIGHT = 26;
const ROW_GAP = 10;
const PADDING = 11;
const CURVE = 34;
const LONGEST = 30;
/** Characters of why nothing came; the details and the status have all of it. */
const LONGEST_PROBLEM = 300;
/** From one line of a box to the next. */
export const LINE_HEIGHT = 17;
/** The font of all that is drawn; exports name it too. */
export const FONT = "13px system-ui, sans-serif";

/** A box with a place; x and y are those of its left upper corner. */
export interface Box {
  item: Item;
  x: number;
  y: number;
  width: number;
  height: number;
  /** What stands in it. */
  lines: string[];
  /** How it went, and whether it is locked: the end of its last line. */
  status: string;
  /** Its tags, which stand at the end of the last line. */
  tags: string;
  /** What stands on the line to it, and where. */
  edge: { text: string; width: number } | null;
  /** The count behind the box, if something hangs below it. */
  toggle: string | null;
  above: Box | null;
  /** Where the column of boxes ends, and lines begin to bend. */
  columnEnd: number;
}

export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Layout {
  boxes: Box[];
  byKey: Map<string, Box>;
  bounds: Bounds;
}

/** Give everything a place. */
export function layOut(roots: Item[]): Layout {
  const widths: number[] = [];
  const edges: number[] = [];
  const measure = (item: Item): void => {
    const level = item.level;
    widths[level] = Math.max(widths[level] ?? 0, boxWidth(item) + toggleWidth(item));
    const edge = clip(edgeText(item.row));
    const edgeWidth = item.kind === "row" && edge !== "" ? textWidth(edge) + 20 : 0;
    edges[level] = Math.max(edges[level] ?? 0, edgeWidth);
    item.children.forEach(measure);
  };
  roots.forEach(measure);
  const starts: number[] = [];
  for (let level = 1, x = 0; level < widths.length; level++) {
    starts[level] = x;
    x += widths[level]! + CURVE + (edges[level + 1] ?? 0) + 8;
  }

  const boxes: Box[] = [];
  let bottom = 0;
  for (const root of roots) {
    const laid = flextree<Item>({
      children: (item) => item.children,
      nodeSize: ({ data }) => [boxHeight(boxLines(data)) + ROW_GAP, 1],
      spacing: (one, other) => (one.parent === other.parent ? 0 : 8),
    });
    const tree = laid(laid.hierarchy(root));
    const drawn = new Map<unknown, Box>();
    const first = boxes.length;
    tree.each((place) => {
      const item = place.data;
      const lines = boxLines(item);
      const height = boxHeight(lines);
      const edge = item.kind === "row" ? clip(edgeText(item.row)) : "";
      const box: Box = {
        item,
        x: starts[item.level]!,
        y: place.x - height / 2,
        width: boxWidth(item),
        height,
        lines,
        status: boxStatus(item),
        tags: boxTags(item),
        edge: edge === "" ? null : { text: edge, width: textWidth(edge) },
        toggle: toggleText(item),
        above: place.parent === null ? null : drawn.get(place.parent)!,
        columnEnd: starts[item.level]! + widths[item.level]!,
      };
      drawn.set(place, box);
      boxes.push(box);
    });
    let top = Infinity;
    for (let i = first; i < boxes.length; i++) top = Math.min(top, boxes[i]!.y);
    let lowest = bottom;
    for (let i = first; i < boxes.length; i++) {
      boxes[i]!.y += bottom - top;
      lowest = Math.max(lowest, boxes[i]!.y + boxes[i]!.height);
    }
    bottom = lowest + 28;
  }
  const right = boxes.reduce((most, box) => Math.max(most, box.columnEnd), 0);
  return {
    boxes,
    byKey: new Map(boxes.map((box) => [box.item.key, box])),
    bounds: { left: 0, top: 0, right, bottom: Math.max(bottom - 28, BOX_HEIGHT) },
  };
}

/** What a box takes up, with the count behind it. */
export function extent(box: Box): Bounds {
  const right = box.x + box.width + toggleWidth(box.item);
  return { left: box.x, right, top: box.y, bottom: box.y + box.height };
}

/** Whether some bounds lie within others. */
export function contains(outer: Bounds, inner: Bounds): boolean {
  return outer.left <= inner.left && outer.top <= inner.top
    && outer.right >= inner.right && outer.bottom >= inner.bottom;
}

/** The line from a box to the one below it; it is straight where its text stands. */
export function linePath(box: Box): string {
  const above = box.above!;
  const startX = above.x + above.width + (above.toggle === null ? 0 : toggleWidth(above.item) - 4);
  const startY = above.y + BOX_HEIGHT / 2;
  const endY = box.y + box.height / 2;
  const bend = above.columnEnd;
  const middle = bend + CURVE / 2;
  return `M${startX},${startY}H${bend}C${middle},${startY} ${middle},${endY} ${bend + CURVE},${endY}H${box.x}`;
}

/** The middle of a line's text. */
export function edgeCentre(box: Box): number {
  const begin = box.above!.columnEnd + CURVE;
  return begin + (box.x - begin) / 2;
}

function boxWidth(item: Item): number {
  return Math.max(...boxLines(item).map((line) => textWidth(line) + 2 * PADDING), 34);
}

function boxHeight(lines: string[]): number {
  return BOX_HEIGHT + (lines.length - 1) * LINE_HEIGHT;
}

function boxLines(item: Item): string[] {
  if (item.kind === "problem") return wrap(clip(item.text, LONGEST_PROBLEM));
  // A long name does not hide how it went.
  const behind = item.kind === "row" ? statusText(item.row).length + tagsText(item.row).length : 0;
  return [clip(item.text.slice(0, item.text.length - behind)) + boxStatus(item) + boxTags(item)];
}

function boxStatus(item: Item): string {
  return item.kind === "row" ? clip(statusText(item.row)) : "";
}

function boxTags(item: Item): string {
  return item.kind === "row" ? clip(tagsText(item.row)) : "";
}

function toggleText(item: Item): string | null {
  if (item.kind !== "row" || (item.row.count === 0 && item.children.length === 0)) return null;
  return item.open ? "–" : countText(item.row.count, item.row.capped);
}

/** How wide the count behind a box is, with the gap before it. */
export function toggleWidth(item: Item): number {
  const text = toggleText(item);
  return text === null ? 0 : Math.max(textWidth(text) * 0.85 + 12, 20) + 6;
}

/** A text that is short enough to be drawn. */
export function clip(text: string, longest = LONGEST): string {
  const characters = [...text];
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join("")}…`;
}

/** A text as lines, broken between words, and within those that are too long. */
export function wrap(text: string): string[] {
  return text.match(/\S(?:.{0,28}\S)?(?=\s|$)|\S{1,30}/gu) ?? [""];
}

const measured = new Map<string, number>();
let ruler: CanvasRenderingContext2D | null | undefined;

function textWidth(text: string): number {
  let width = measured.get(text);
  if (width === undefined) {
    ruler ??= newRuler();
    width = ruler === null ? text.length * 7.2 : Math.ceil(ruler.measureText(text).width);
    if (measured.size > 20_000) measured.clear();
    measured.set(text, width);
  }
  return width;
}

function newRuler(): CanvasRenderingContext2D | null {
  if (typeof OffscreenCanvas === "undefined") return null; // where tests run
  const context = document.createElement("canvas").getContext("2d");
  if (context !== null) context.font = FONT;
  return context;
}
