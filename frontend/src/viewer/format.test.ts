import { describe, expect, it } from "vitest";
import { compact, count, counted, ends, explain, missingShare, nameOf, sentence, widthFor } from "./format";
import { OPERATORS } from "./operators";
import type { Column, Summary } from "./protocol";

const column: Column = {
  label: "loss", dtype: "float64", is_index: false, align: "right", can_sort: true, operators: Object.keys(OPERATORS),
};
const summary: Summary = {
  rows: 1000, read_rows: 100, missing: 30, read_missing: 2, low: "0", high: "9", exact: true,
  distinct: null, bars: [1, 2], names: [],
};

describe("words", () => {
  it("group digits", () => {
    expect([count(0), count(999), count(1000), count(12_345_678)]).toEqual(
      ["0", "999", "1,000", "12,345,678"],
    );
    expect([counted(1, "row"), counted(2, "row")]).toEqual(["1 row", "2 rows"]);
  });

  it("name what has no name", () => {
    expect(nameOf({ ...column, label: "" })).toBe("(no name)");
    expect(nameOf({ ...column, label: "", is_index: true })).toBe("index");
  });

  it("write conditions as sentences", () => {
    expect(sentence({ column: 0, operator: "le", value: "3" }, column)).toBe("loss ≤ 3");
    expect(sentence({ column: 0, operator: "missing", value: "" }, column)).toBe("loss is missing");
    expect(sentence({ column: 0, operator: "eq", value: "" }, column)).toBe('loss = ""');
  });
});

describe("summaries", () => {
  it("tell the share of missing values of what was counted", () => {
    expect(missingShare(summary)).toBe("3% missing");
    expect(missingShare({ ...summary, missing: null })).toBe("2% missing");
    expect(missingShare({ ...summary, missing: 0 })).toBeNull();
    expect(missingShare({ ...summary, missing: 1, rows: 100_000 })).toBe("<0.1% missing");
    expect(missingShare({ ...summary, missing: 99_999, rows: 100_000 })).toBe(">99.9% missing");
  });

  it("shorten numbers and nothing else", () => {
    const shown = ["999992.35", "-0.0001234567", "22.3914", "12", "2024-01-01 00:00", "4.66e-10", "-1.5e300"];
    expect(shown.map(compact)).toEqual(
      ["1M", "-1.2e-4", "22.4", "12", "2024-01-01 00:00", "4.7e-10", "-1.5e+300"],
    );
  });

  it("show of times what tells them apart", () => {
    expect(ends("2024-01-01 00:00:00", "2024-02-01 00:00:00.5")).toEqual(["2024-01-01", "2024-02-01"]);
    expect(ends("2024-01-01 10:00:00", "2024-01-01 12:00:00")).toEqual(["10:00:00", "12:00:00"]);
    expect(ends("0", "1234567")).toEqual(["0", "1.23M"]);
  });

  it("say how much they are of", () => {
    expect(explain(column, summary)).toContain("drawn from 100 of 1,000 rows");
    expect(explain(column, { ...summary, distinct: 7 })).toContain("at least 7 different");
    expect(explain(column, { ...summary, exact: false })).toContain("in the rows read");
    expect(explain(column, undefined)).toBe("loss: float64");
  });

  it("leave columns a readable width", () => {
    const measure = (text: string): number => text.length * 8;
    expect(widthFor(column, ["1"], measure)).toBeGreaterThanOrEqual(92);
    expect(widthFor(column, ["1".repeat(20)], measure)).toBeGreaterThanOrEqual(160);
    expect(widthFor(column, ["x".repeat(500)], measure)).toBe(320);
  });
});
