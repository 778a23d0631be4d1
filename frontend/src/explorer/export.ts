/** The part of the tree that is open, as files: SVG, PNG, mermaid and DOT. */

import { BOX_HEIGHT, edgeCentre, FONT, LINE_HEIGHT, linePath, type Box, type Layout } from "./layout";
import { edgeText } from "./tree";

const MARGIN = 16;
const XML = "http://www.w3.org/2000/svg";
const COLOURS = {
  node: ["#efecfa", "#8a7bd0"], model: ["#faf3e0", "#c29a2e"], artifact: ["#e8f3ec", "#5b9c75"],
} as const;
/** Pixels that browsers still draw. */
const LARGEST_PICTURE = 12_000;

/** A picture that stands by itself: black on white, whatever the page looks like. */
export function toSvg(layout: Layout): string {
  const width = layout.bounds.right + 2 * MARGIN;
  const height = layout.bounds.bottom + 2 * MARGIN;
  const make = (tag: string, attributes: Record<string, string | number>, text?: string): Element => {
    const element = document.createElementNS(XML, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
    // XML has no place for control characters, however they are escaped.
    if (text !== undefined) element.textContent = text.replace(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g, "\ufffd");
    return element;
  };
  const root = make("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  root.append(make("rect", { width, height, fill: "#ffffff" }));
  const world = make("g", { transform: `translate(${MARGIN},${MARGIN})`, style: `font: ${FONT}` });
  root.append(world);
  for (const box of layout.boxes) {
    if (box.above !== null) {
      world.append(make("path", { d: linePath(box), fill: "none", stroke: "#8b919b" }));
    }
  }
  for (const box of layout.boxes) {
    const [fill, stroke] = box.item.kind === "row" ? COLOURS[box.item.row.kind] : ["#ffffff", "#b5bac2"];
    const round = box.item.kind === "row" && box.item.row.kind !== "node" ? 3 : BOX_HEIGHT / 2;
    world.append(
      make("rect", { x: box.x, y: box.y, width: box.width, height: box.height, rx: round, fill, stroke }),
      ...box.lines.map((line, n) => make("text", {
        x: box.x + box.width / 2, y: box.y + BOX_HEIGHT / 2 + 4.5 + n * LINE_HEIGHT, "text-anchor": "middle",
        fill: "#1b1b1b",
      }, line)),
    );
    if (box.edge !== null) {
      const x = edgeCentre(box);
      const y = box.y + BOX_HEIGHT / 2;
      const wide = box.edge.width + 8;
      world.append(
        make("rect", { x: x - wide / 2, y: y - 9, width: wide, height: 18, fill: "#ffffff" }),
        make("text", { x, y: y + 4.5, "text-anchor": "middle", fill: "#444444" }, box.edge.text),
      );
    }
  }
  return new XMLSerializer().serializeToString(root);
}

/** The same as pixels. */
export async function toPng(layout: Layout): Promise<Blob> {
  const width = layout.bounds.right + 2 * MARGIN;
  const height = layout.bounds.bottom + 2 * MARGIN;
  const scale = Math.min(2, LARGEST_PICTURE / Math.max(width, height));
  const image = new Image(width, height);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(toSvg(layout))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  const context = canvas.getContext("2d");
  context?.scale(scale, scale);
  context?.drawImage(image, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((made) => (made === null ? reject(new Error("The picture is too large.")) : resolve(made)));
  });
}

/** Mermaid in the guide's look: rounded nodes, square models, labelled lines. */
export function toMermaid(layout: Layout): string {
  const lines = ["graph LR"];
  for (const box of layout.boxes) {
    const text = `"${mermaidText(box.item.text)}"`;
    const name = nameOf(box);
    if (box.item.kind !== "row" || box.item.row.kind === "node") lines.push(`    ${name}([${text}])`);
    else lines.push(`    ${name}[${text}]`);
  }
  for (const box of layout.boxes) {
    if (box.above === null) continue;
    const label = box.item.kind === "row" ? edgeText(box.item.row) : "";
    const edge = label === "" ? "" : `|"${mermaidText(label)}"| `;
    lines.push(`    ${nameOf(box.above)} --> ${edge}${nameOf(box)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Source for Graphviz. */
export function toDot(layout: Layout): string {
  const lines = ["digraph {", "    rankdir=LR;", '    node [shape=box, fontname="sans-serif"];'];
  for (const box of layout.boxes) {
    const round = box.item.kind !== "row" || box.item.row.kind === "node" ? ", style=rounded" : "";
    lines.push(`    ${nameOf(box)} [label=${dotText(box.item.text)}${round}];`);
  }
  for (const box of layout.boxes) {
    if (box.above === null) continue;
    const label = box.item.kind === "row" ? edgeText(box.item.row) : "";
    const edge = label === "" ? "" : ` [label=${dotText(label)}]`;
    lines.push(`    ${nameOf(box.above)} -> ${nameOf(box)}${edge};`);
  }
  return `${lines.join("\n")}\n}\n`;
}

function nameOf(box: Box): string {
  return box.item.key.replace("-", "");
}

/** Everything that mermaid may take for its own is written by number. */
function mermaidText(text: string): string {
  return [...text].map((character) => (/[\p{L}\p{N} .,_-]/u.test(character)
    ? character : `#${character.codePointAt(0)!};`)).join("");
}

function dotText(text: string): string {
  // `\N` and the like mean something in a label; a doubled backslash is one.
  return `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/[\r\n]+/g, " ")}"`;
}

/** Hand a file to whoever looks at the page. */
export function save(content: Blob | string, name: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Put a text on the clipboard, also where a page over http has no right to. */
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
