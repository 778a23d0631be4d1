import { describe, expect, it } from "vitest";
import { barFor, elementHeight, scrolled, scrollTo, TALLEST, type Scroll } from "./scroll";

const VIEW = 400;
const SHORT = 100_000;
const TALL = 280_000_000; // ten million rows
const START: Scroll = { top: 0, at: 0 };

describe("content that browsers can hold", () => {
  it("moves as the scroll bar does", () => {
    expect(elementHeight(SHORT)).toBe(SHORT);
    expect(scrolled(START, 1234, SHORT, VIEW)).toEqual({ top: 1234, at: 1234 });
    expect(scrollTo(5000, SHORT, VIEW)).toEqual({ top: 5000, at: 5000 });
  });

  it("never moves past an end", () => {
    expect(scrollTo(10 ** 9, SHORT, VIEW).top).toBe(SHORT - VIEW);
    expect(scrollTo(-5, SHORT, VIEW)).toEqual({ top: 0, at: 0 });
    expect(scrollTo(50, 100, VIEW)).toEqual({ top: 0, at: 0 });
  });
});

describe("taller content", () => {
  it("has an element that browsers can hold", () => {
    expect(elementHeight(TALL)).toBe(TALLEST);
  });

  it("moves by proportion when the bar is dragged", () => {
    const middle = scrolled(START, (TALLEST - VIEW) / 2, TALL, VIEW);
    expect(middle.top).toBeCloseTo((TALL - VIEW) / 2, -1);
    const end = scrolled(START, TALLEST - VIEW, TALL, VIEW);
    expect(end.top).toBe(TALL - VIEW);
  });

  it("moves by pixels under a wheel", () => {
    const middle = scrollTo(TALL / 2, TALL, VIEW);
    const next = scrolled(middle, middle.at + 120, TALL, VIEW);
    expect(next.top - middle.top).toBe(120);
  });

  it("reaches every row, and both ends, by wheel alone", () => {
    let now = scrollTo(TALL - VIEW - 3000, TALL, VIEW);
    for (let i = 0; i < 60; i++) {
      now = scrolled(now, Math.min(now.at + 100, TALLEST - VIEW), TALL, VIEW);
    }
    expect(now.top).toBe(TALL - VIEW);
    now = scrollTo(3000, TALL, VIEW);
    const seen = [now.top];
    for (let i = 0; i < 60 && now.top > 0; i++) {
      now = scrolled(now, Math.max(now.at - 100, 0), TALL, VIEW);
      seen.push(now.top);
    }
    expect(now.top).toBe(0);
    // Nothing jumps by more than a screen.
    expect(Math.max(...seen.slice(1).map((top, i) => seen[i]! - top))).toBeLessThanOrEqual(VIEW);
  });

  it("stays where it was put when the bar reports its own place", () => {
    const put = scrollTo(123_456_789, TALL, VIEW);
    expect(scrolled(put, put.at, TALL, VIEW)).toEqual(put);
    expect(barFor(put.top, TALL, VIEW)).toBe(put.at);
  });
});
