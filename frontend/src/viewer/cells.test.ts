import { describe, expect, it } from "vitest";
import { CellStore } from "./cells";

const page = (rows: number, columns: number, first = 0) => ({
  texts: Array.from({ length: columns }, (_, c) => Array.from({ length: rows }, (_, r) => `${first + r}:${c}`)),
  marks: Array.from({ length: columns }, () => "-".repeat(rows)),
  numbers: Array.from({ length: rows }, (_, r) => first + r),
});

describe("kept cells", () => {
  it("are found by row and column", () => {
    const store = new CellStore();
    store.put(10, [4, 2], { texts: [["a"], ["b"]], marks: ["0", "-"], numbers: [99] });
    expect(store.get(10, 4)).toEqual({ text: "a", mark: "0" });
    expect(store.get(10, 2)).toEqual({ text: "b", mark: "-" });
    expect(store.get(10, 3)).toBeUndefined();
    expect(store.number(10)).toBe(99);
  });

  it("tell what is missing of a window", () => {
    const store = new CellStore();
    store.put(0, [0, 1], page(10, 2));
    expect(store.missing({ start: 0, stop: 10 }, [0, 1])).toBeNull();
    expect(store.missing({ start: 5, stop: 15 }, [0, 1])).toEqual({
      rows: { start: 10, stop: 15 },
      columns: [0, 1],
    });
    expect(store.missing({ start: 2, stop: 4 }, [1, 7])).toEqual({
      rows: { start: 2, stop: 4 },
      columns: [7],
    });
  });

  it("do not grow for ever", () => {
    const store = new CellStore();
    for (let i = 0; i < 40; i++) store.put(i * 1000, [0, 1, 2], page(1000, 3, i * 1000));
    expect(store.get(39_999, 2)).toBeDefined();
    expect(store.get(0, 0)).toBeUndefined();
  });
});
