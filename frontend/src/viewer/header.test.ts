import { describe, expect, it } from "vitest";
import { makeHeader } from "./header";
import { OPERATORS } from "./operators";
import type { Column, State, Summary } from "./protocol";

const HOSTILE = `<img src=x onerror="alert(1)">`;
const column: Column = {
  label: HOSTILE, dtype: HOSTILE, is_index: false, align: "right", can_sort: true, operators: Object.keys(OPERATORS),
};
const state: State = {
  revision: 1, rows: 10, complete: true, sort: [{ column: 3, descending: true }], conditions: [], hidden: [],
};
const summary: Summary = {
  rows: 10, read_rows: 10, missing: 3, read_missing: 3, low: HOSTILE, high: "9", exact: true,
  distinct: null, bars: [0, 5, 10], names: [],
};

describe("a header", () => {
  it("shows hostile names and values as text", () => {
    const made = makeHeader({ number: 3, column, state, summary });
    expect(made.querySelector("img")).toBeNull();
    expect(made.querySelector(".label")!.textContent).toBe(HOSTILE);
    expect(made.querySelector(".ends")!.textContent).toContain(HOSTILE);
  });

  it("tells a screen reader how rows are sorted", () => {
    const sorted = makeHeader({ number: 3, column, state, summary });
    expect(sorted.getAttribute("aria-sort")).toBe("descending");
    expect(sorted.getAttribute("role")).toBe("columnheader");
    const other = makeHeader({ number: 4, column, state, summary: undefined });
    expect(other.getAttribute("aria-sort")).toBe("none");
    const fixed = { ...column, can_sort: false };
    expect(makeHeader({ number: 4, column: fixed, state, summary }).hasAttribute("aria-sort")).toBe(false);
  });

  it("counts the keys that rows are sorted by", () => {
    const two = { ...state, sort: [{ column: 1, descending: false }, ...state.sort] };
    const made = makeHeader({ number: 3, column, state: two, summary });
    expect(made.querySelector(".order")!.textContent).toBe("▼2");
  });

  it("draws a bar for each part, and for little a little one", () => {
    const made = makeHeader({ number: 3, column, state, summary: { ...summary, bars: [0, 1, 1000] } });
    const heights = [...made.querySelectorAll("rect")].map((bar) => Number(bar.getAttribute("height")));
    expect(heights).toEqual([0, 1.5, 26]);
  });

  it("says that values are missing, also to a screen reader", () => {
    const made = makeHeader({ number: 3, column, state, summary });
    expect(made.querySelector(".share")!.getAttribute("aria-label")).toBe("30% missing");
  });

  it("has a name for a screen reader that keeps the type apart", () => {
    const made = makeHeader({ number: 3, column: { ...column, label: "loss", dtype: "float64" }, state, summary });
    expect(made.getAttribute("aria-label")).toBe("loss, float64, 30% missing");
  });

  it("draws no bars for values that are there once each", () => {
    const unique = { ...summary, low: null, high: null, distinct: 3, bars: [1, 1, 1], names: ["a", "b", "c"] };
    const made = makeHeader({ number: 3, column, state, summary: unique });
    expect(made.querySelectorAll("rect")).toHaveLength(0);
    expect(made.querySelector(".ends")!.textContent).toBe("3 values");
  });
});
