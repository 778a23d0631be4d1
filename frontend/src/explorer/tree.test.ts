import { beforeEach, describe, expect, it } from "vitest";
import { Drawing } from "./draw";
import { toDot, toMermaid, toSvg } from "./export";
import { drawFacts } from "./facts";
import { BOX_HEIGHT, clip, extent, layOut, wrap } from "./layout";
import { svg } from "../shared/dom";
import { boxText, countText, edgeText, Tree, type Item } from "./tree";
import { SCOPE, type Facts, type FirstPage, type Row } from "./types";

const HOSTILE = `<img src=x onerror="alert(1)">]]>&"';\\N|end`;

function row(node: number, rest: Partial<Row> = {}): Row {
  return {
    node, parent: null, kind: "node", label: `node ${node}`, type: "Node", version: null, created: "", size: null,
    count: 0, capped: false, ...rest,
  };
}

function first(rest: Partial<FirstPage> = {}): FirstPage {
  return {
    root: row(SCOPE, { label: "test.db", type: "database", count: 3 }),
    rows: [row(1, { count: 2 }), row(2), row(3)], after: null, total: 3, capped: false, types: [],
    page_size: 20, read_at: "2026-01-01T00:00:00+00:00", ...rest,
  };
}

const names = (items: Item[]): string[] => items.flatMap((item) => [item.text, ...names(item.children)]);

let tree: Tree;
beforeEach(() => {
  tree = new Tree(first());
});

describe("a tree", () => {
  it("begins with its root open", () => {
    expect(names(tree.items())).toEqual(["test.db", "node 1", "node 2", "node 3"]);
    expect(tree.opened()).toEqual([SCOPE]);
  });

  it("hangs pages below each other, and says how much is left", () => {
    tree.branch(1).open = true;
    tree.branch(1).total = 250;
    tree.addPage(1, { rows: [row(10), row(11)], after: 11 });
    expect(names(tree.items())).toContain("+248 more");
    tree.addPage(1, { rows: [row(11), row(12)], after: null });
    expect(tree.branch(1).rows).toEqual([10, 11, 12]);
    expect(names(tree.items()).some((name) => name.startsWith("+"))).toBe(false);
    expect(tree.branch(1).total).toBe(3);
  });

  it("counts places among all siblings, loaded or not", () => {
    tree.branch(1).open = true;
    tree.branch(1).total = 250;
    tree.addPage(1, { rows: [row(10), row(11)], after: 11 });
    const [, second] = tree.items()[0]!.children[0]!.children;
    expect([second!.position, second!.siblings, second!.level]).toEqual([2, 250, 3]);
  });

  it("says in place why nothing came", () => {
    tree.branch(1).open = true;
    tree.branch(1).problem = "The database is locked.";
    expect(names(tree.items())).toContain("The database is locked.");
  });

  it("opens the way to a row that was found elsewhere", () => {
    const unread = tree.attach([row(1), row(50), row(500)]);
    expect(names(tree.items())).toEqual(["test.db", "node 1", "node 50", "node 500", "node 2", "node 3"]);
    expect(unread).toEqual([1, 50]);
    tree.addPage(50, { rows: [row(499), row(500)], after: null });
    expect(tree.branch(50)).toMatchObject({ rows: [499, 500], pinned: [] });
  });

  it("hangs a root that was not loaded below the database, and a stranger beside a node", () => {
    tree.attach([row(9), row(90)]);
    expect(tree.branch(SCOPE).pinned).toEqual([9]);
    const below = new Tree(first({ root: row(7) }));
    below.attach([row(9), row(90)]);
    expect(below.roots).toEqual([7, 9]);
    expect(names(below.items())).toContain("node 90");
  });

  it("reads a branch anew and forgets what is gone", () => {
    tree.addPage(SCOPE, { rows: [row(2), row(4)], after: null }, { fresh: true });
    expect(names(tree.items())).toEqual(["test.db", "node 2", "node 4"]);
  });

  it("survives a cycle", () => {
    tree.branch(1).open = true;
    tree.addPage(1, { rows: [row(10, { count: 1 })], after: null });
    tree.attach([row(1), row(10)]);
    expect(names(tree.items()).filter((name) => name === "node 10")).toHaveLength(1);
  });
});

describe("texts", () => {
  it("are those of the guide: labels in nodes and on the lines to models", () => {
    const model = row(1, { kind: "model", type: "Fit", version: 2, label: "best" });
    expect([boxText(model), edgeText(model)]).toEqual(["Fit v2", "best"]);
    expect([boxText(row(1, { label: null })), edgeText(row(1))]).toEqual(["Node 1", ""]);
    expect(boxText(row(1, { kind: "artifact", type: "pandas", size: "2 kB" }))).toBe("pandas · 2 kB");
  });

  it("are counted and clipped by characters", () => {
    expect([countText(1000, true), countText(-1, false)]).toEqual(["1,000+", "0"]);
    expect(clip("😀".repeat(40))).toBe(`${"😀".repeat(29)}…`);
  });
});

describe("a layout", () => {
  it("puts levels into columns and lets no two boxes meet", () => {
    tree.branch(1).open = true;
    tree.addPage(1, { rows: Array.from({ length: 30 }, (_, n) => row(100 + n)), after: 129 });
    tree.branch(2).open = true;
    tree.addPage(2, { rows: [row(200, { kind: "model", label: "a rather long label" })], after: null });
    const { boxes, bounds } = layOut(tree.items());
    for (const one of boxes) {
      expect(one.y).toBeGreaterThanOrEqual(bounds.top);
      expect(one.y + BOX_HEIGHT).toBeLessThanOrEqual(bounds.bottom);
      for (const other of boxes) {
        if (one === other || one.item.level !== other.item.level) continue;
        expect(one.x).toBe(other.x);
        expect(Math.abs(one.y - other.y)).toBeGreaterThanOrEqual(BOX_HEIGHT);
      }
    }
  });

  it("makes room for all of why nothing came", () => {
    for (const node of [1, 2]) {
      tree.branch(node).open = true;
      tree.branch(node).problem = "Python has not answered. Is the kernel running? It answers once it is free.";
    }
    const { boxes, bounds } = layOut(tree.items());
    const [one, other] = boxes.filter((box) => box.item.kind === "problem");
    expect(one!.lines).toEqual(["Python has not answered. Is", "the kernel running? It answers", "once it is free."]);
    expect(one!.width).toBeLessThan(260);
    expect(extent(one!).bottom).toBeLessThan(other!.y);
    expect(Math.min(...boxes.map((box) => box.y))).toBe(bounds.top);
    expect(Math.max(...boxes.map((box) => extent(box).bottom))).toBe(bounds.bottom);
    const hung = boxes.find((box) => box.item.key === "row-1")!;
    expect(one!.y + one!.height / 2).toBeCloseTo(hung.y + hung.height / 2);
  });

  it("breaks lines between words, and within those that are too long", () => {
    expect(wrap(`to ${"x".repeat(40)}\nend`)).toEqual(["to", "x".repeat(30), "x".repeat(10), "end"]);
    expect(wrap("")).toEqual([""]);
    expect(wrap("😀".repeat(31))).toEqual(["😀".repeat(30), "😀"]);
  });

  it("puts one tree below the other", () => {
    const two = new Tree(first({ root: row(7) }));
    two.attach([row(9), row(90)]);
    const { boxes } = layOut(two.items());
    const [one, other] = [boxes.find((box) => box.item.row.node === 7)!, boxes.find((box) => box.item.row.node === 9)!];
    expect(other.y).toBeGreaterThan(one.y + BOX_HEIGHT);
  });

  it("is quick enough for thousands", () => {
    tree.branch(1).open = true;
    tree.addPage(1, { rows: Array.from({ length: 5000 }, (_, n) => row(100 + n)), after: null });
    expect(layOut(tree.items()).boxes).toHaveLength(5004);
  });
});

describe("a drawing", () => {
  const everything = { left: -1e6, top: -1e6, right: 1e6, bottom: 1e6 };

  it("draws what is near, and keeps what is still right", () => {
    tree.branch(1).open = true;
    tree.addPage(1, { rows: Array.from({ length: 1000 }, (_, n) => row(100 + n)), after: null });
    const layout = layOut(tree.items());
    const drawing = new Drawing(svg("g"));
    const marks = { selected: null, active: "row-0" };
    drawing.update(layout, { left: 0, top: 0, right: 900, bottom: 500 }, marks);
    expect(drawing.count).toBeLessThan(60);
    drawing.update(layout, everything, marks);
    expect(drawing.count).toBe(1004);
    const before = drawing.element("row-100")!.firstChild;
    drawing.update(layout, everything, { selected: 100, active: "row-100" });
    expect(drawing.element("row-100")!.firstChild).toBe(before);
    expect(drawing.element("row-100")!.getAttribute("aria-selected")).toBe("true");
    drawing.update(layOut(new Tree(first()).items()), everything, marks);
    expect(drawing.count).toBe(4);
  });

  it("tells a screen reader what stands where", () => {
    const drawing = new Drawing(svg("g"));
    drawing.update(layOut(tree.items()), everything, { selected: null, active: "row-1" });
    const box = drawing.element("row-1")!;
    const read = (name: string) => box.getAttribute(name);
    expect(read("role")).toBe("treeitem");
    expect(read("aria-label")).toBe("node 1, 2 below");
    expect([read("aria-level"), read("aria-posinset"), read("aria-setsize")]).toEqual(["2", "1", "3"]);
    expect([read("aria-expanded"), read("tabindex")]).toEqual(["false", "0"]);
    expect(drawing.element("row-2")!.getAttribute("aria-expanded")).toBeNull();
  });

  it("marks how a row went where it went wrong, behind any name", () => {
    const world = svg("g");
    const long = "x".repeat(40);
    const rows = [
      row(1, { label: long, status: "failed", failed: true }), row(2, { status: "running", failed: false }),
      row(3, { status: "finished" }),
    ];
    new Drawing(world).update(layOut(new Tree(first({ rows })).items()), everything, { selected: null, active: "row-0" });
    const shown = [...world.querySelectorAll(".name")].map((name) => name.textContent);
    expect(shown).toEqual(["test.db", `${"x".repeat(29)}… · failed`, "node 2 · running", "node 3"]);
    expect([...world.querySelectorAll(".failed")].map((each) => each.textContent)).toEqual([" · failed"]);
    expect(world.querySelector("title")!.textContent).toBe(`${long} · failed`);
  });

  it("says of any kind that it is locked or dropped, and not that a run went well", () => {
    const texts = [
      row(1, { kind: "model", type: "Fit", version: 1, status: "locked", tags: ["#best"] }),
      row(2, { kind: "artifact", type: "array", size: "6 B", status: "locked · dropped" }),
      row(3, { status: "finished · locked" }),
    ].map(boxText);
    expect(texts).toEqual(["Fit v1 · locked  #best", "array · 6 B · locked · dropped", "node 3 · locked"]);
  });

  it("shows hostile labels as text", () => {
    const world = svg("g");
    const hostile = new Tree(first({ rows: [row(1, { label: HOSTILE, kind: "model", type: HOSTILE })] }));
    new Drawing(world).update(layOut(hostile.items()), everything, { selected: 1, active: "" });
    expect(world.querySelector("img")).toBeNull();
    expect(world.textContent).toContain("<img src=x");
  });
});

describe("files", () => {
  const hostile = (): ReturnType<typeof layOut> => layOut(
    new Tree(first({ rows: [row(1, { label: HOSTILE }), row(2, { kind: "model", type: "Fit", label: HOSTILE })] })).items());

  it("are mermaid in the guide's look", () => {
    const text = toMermaid(layOut(new Tree(first({
      rows: [row(1), row(2, { kind: "model", type: "Fit", label: "best" })],
    })).items()));
    expect(text).toBe(
      'graph LR\n    row0(["test.db"])\n    row1(["node 1"])\n    row2["Fit"]\n'
      + '    row0 --> row1\n    row0 --> |"best"| row2\n');
  });

  it("hold hostile labels in their quotes", () => {
    expect(toMermaid(hostile())).not.toMatch(/[<>]img|onerror=/);
    const dot = toDot(hostile());
    expect(dot).toContain(`row1 [label="${HOSTILE.replace(/\\/g, "\\\\").replace(/"/g, '\\"')}", style=rounded];`);
  });

  it("are an SVG that parses, with text alone", () => {
    const parsed = new DOMParser().parseFromString(toSvg(hostile()), "image/svg+xml");
    expect(parsed.querySelector("parsererror")).toBeNull();
    expect(parsed.querySelector("img")).toBeNull();
    expect(parsed.documentElement.textContent).toContain("<img src=x");
  });
});

describe("facts", () => {
  it("become elements that hold text alone", () => {
    const facts: Facts = {
      name: HOSTILE, label: HOSTILE, badges: [{ text: HOSTILE, role: HOSTILE }], notes: [["id", HOSTILE]],
      lines: [HOSTILE], more_fields: 3, picture: { png: "javascript:alert(1)", width: 1, height: 1 }, code: HOSTILE,
      warnings: [HOSTILE],
      fields: [{
        name: HOSTILE, type: HOSTILE, value: HOSTILE, badges: [], inside: {
          name: "", label: "", badges: [], notes: [], lines: ["inside"], fields: [], more_fields: 0, table: null,
          picture: null, code: "", warnings: [],
        },
      }],
      table: {
        columns: [HOSTILE], rows: [["1"], ["2"]], types: ["int"], gap: 1, more: 7, more_columns: 2, numbers: [0],
      },
    };
    const drawn = drawFacts(facts);
    expect(drawn.querySelector("img, script")).toBeNull();
    expect(drawn.textContent).toContain(HOSTILE);
    expect(drawn.textContent).toContain("… 7 more");
    expect(drawn.textContent).toContain("+3 more");
    expect(drawn.querySelector("details")!.textContent).toContain("inside");
    expect([...drawn.querySelectorAll("td")].map((cell) => cell.textContent)).toEqual(["1", "… 7 more", "2"]);
  });
});
