import { describe, expect, it } from "vitest";
import { extent, holds, moved, toTsv } from "./selection";

describe("a selection", () => {
  it("is a rectangle, whichever way it was drawn", () => {
    const there = { anchor: { row: 5, column: 1 }, head: { row: 2, column: 3 } };
    expect(extent(there, 100)).toEqual({
      rows: { start: 2, stop: 6 },
      columns: { start: 1, stop: 4 },
    });
    expect(holds(there, { row: 2, column: 3 }, 100)).toBe(true);
    expect(holds(there, { row: 6, column: 3 }, 100)).toBe(false);
    expect(holds(null, { row: 0, column: 0 }, 100)).toBe(false);
  });

  it("has no row of a header alone, and begins with the first below it", () => {
    const header = { anchor: { row: -1, column: 2 }, head: { row: -1, column: 2 } };
    expect(extent(header, 50).rows).toEqual({ start: 0, stop: 0 });
    const drawn = { ...header, head: { row: 4, column: 2 } };
    expect(extent(drawn, 50).rows).toEqual({ start: 0, stop: 5 });
  });

  it("moves up to the header and no further than the last cell", () => {
    expect(moved({ row: 0, column: 0 }, -5, -1, 10, 4)).toEqual({ row: -1, column: 0 });
    expect(moved({ row: 8, column: 3 }, 5, 1, 10, 4)).toEqual({ row: 9, column: 3 });
    expect(moved({ row: -1, column: 0 }, 1, 0, 0, 4)).toEqual({ row: -1, column: 0 });
  });
});

describe("copied cells", () => {
  it("have tabs and lines", () => {
    expect(toTsv([["1", "2"], ["a", "b"]])).toBe("1\ta\n2\tb");
    expect(toTsv([])).toBe("");
  });

  it("leave missing ones empty and quote what would fall apart", () => {
    expect(toTsv([[null, 'say "hi"', "a\tb", "null"]])).toBe('\n"say ""hi"""\n"a\tb"\nnull');
  });
});
