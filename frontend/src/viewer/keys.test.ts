import { beforeEach, describe, expect, it, vi } from "vitest";
import { gridKeys, type KeyTarget } from "./keys";
import type { Cell } from "./selection";

const KEY = new KeyboardEvent("keydown");

let active: Cell;
let target: KeyTarget;
beforeEach(() => {
  active = { row: 50, column: 2 };
  target = {
    get active() {
      return active;
    },
    size: () => ({ rows: 1000, columns: 10, page: 12 }),
    go: vi.fn((cell: Cell) => void (active = cell)),
    selectAll: vi.fn(() => true),
    selectOne: vi.fn(() => false),
    sort: vi.fn(),
    filter: vi.fn(),
    open: vi.fn(),
    copy: vi.fn(),
    find: vi.fn(),
  };
});
const press = (name: string): boolean => gridKeys(target)[name]!(KEY);

describe("keys", () => {
  it.each([
    ["ArrowDown", 51, 2], ["ArrowUp", 49, 2], ["ArrowLeft", 50, 1], ["ArrowRight", 50, 3],
    ["PageDown", 62, 2], ["PageUp", 38, 2], ["Home", 50, 0], ["End", 50, 9],
    ["Ctrl+Home", 0, 0], ["Ctrl+End", 999, 9], ["Ctrl+ArrowDown", 999, 2], ["Ctrl+ArrowUp", 0, 2],
  ])("move: %s", (name, row, column) => {
    expect(press(name)).toBe(true);
    expect(target.go).toHaveBeenLastCalledWith({ row, column }, false);
  });

  it("extend the selection with Shift", () => {
    press("Shift+PageDown");
    expect(target.go).toHaveBeenLastCalledWith({ row: 62, column: 2 }, true);
    press("Ctrl+Shift+End");
    expect(target.go).toHaveBeenLastCalledWith({ row: 999, column: 9 }, true);
  });

  it("open a cell, and sort on a header", () => {
    press("Enter");
    expect(target.open).toHaveBeenCalledOnce();
    expect(press("Shift+Enter")).toBe(false);
    active = { row: -1, column: 2 };
    press("Enter");
    press("Shift+Enter");
    expect(vi.mocked(target.sort).mock.calls).toEqual([[false], [true]]);
  });

  it("leave Escape to others when there is nothing to undo", () => {
    expect(press("Escape")).toBe(false);
  });
});
