import { describe, expect, it } from "vitest";
import { columnsInSight, edges, reveal, rowsInSight, widened } from "./window";

describe("rows in sight", () => {
  it("count those of which a part shows", () => {
    expect(rowsInSight(0, 100, 25, 1000)).toEqual({ start: 0, stop: 4 });
    expect(rowsInSight(10, 100, 25, 1000)).toEqual({ start: 0, stop: 5 });
    expect(rowsInSight(24_950, 100, 25, 1000)).toEqual({ start: 998, stop: 1000 });
  });

  it("are none of no rows", () => {
    expect(rowsInSight(0, 100, 25, 0)).toEqual({ start: 0, stop: 0 });
  });
});

describe("columns in sight", () => {
  const all = edges([100, 50, 200, 80]);

  it("are found by their edges", () => {
    expect(all).toEqual([0, 100, 150, 350, 430]);
    expect(columnsInSight(0, 100, all)).toEqual({ start: 0, stop: 1 });
    expect(columnsInSight(0, 101, all)).toEqual({ start: 0, stop: 2 });
    expect(columnsInSight(100, 60, all)).toEqual({ start: 1, stop: 3 });
    expect(columnsInSight(300, 1000, all)).toEqual({ start: 2, stop: 4 });
  });

  it("are none of no columns", () => {
    expect(columnsInSight(0, 500, edges([]))).toEqual({ start: 0, stop: 0 });
  });

  it("agree with looking at each", () => {
    const widths = Array.from({ length: 60 }, (_, i) => 40 + ((i * 37) % 90));
    const many = edges(widths);
    for (let left = 0; left < many[60]!; left += 17) {
      const seen = widths.map((_, i) => i).filter((i) => many[i + 1]! > left && many[i]! < left + 333);
      const found = columnsInSight(left, 333, many);
      expect([found.start, found.stop]).toEqual([seen[0], seen[seen.length - 1]! + 1]);
    }
  });
});

describe("scrolling to something", () => {
  it("moves no further than it must", () => {
    expect(reveal(50, 75, 0, 100)).toBe(0);
    expect(reveal(50, 75, 60, 100)).toBe(50);
    expect(reveal(200, 225, 60, 100)).toBe(125);
    expect(reveal(200, 500, 60, 100)).toBe(200);
  });

  it("widens within what there is", () => {
    expect(widened({ start: 5, stop: 10 }, 20, 22)).toEqual({ start: 0, stop: 22 });
  });
});
