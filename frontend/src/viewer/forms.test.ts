import { describe, expect, it, vi } from "vitest";
import { columnList, conditionForm } from "./forms";
import { openPopover } from "./popover";
import { OPERATORS } from "./operators";
import type { Column } from "./protocol";

const column = (label: string, rest: Partial<Column> = {}): Column => ({
  label, dtype: "int64", is_index: false, align: "right", can_sort: true, operators: Object.keys(OPERATORS), ...rest,
});

describe("the form of a condition", () => {
  const submit = (form: HTMLElement): boolean =>
    form.dispatchEvent(new Event("submit", { cancelable: true }));

  it("gives the condition that was typed", () => {
    const apply = vi.fn();
    const form = conditionForm(4, column("a"), undefined, apply);
    form.querySelector("select")!.value = "lt";
    form.querySelector("input")!.value = "5";
    expect(submit(form)).toBe(false);
    expect(apply).toHaveBeenCalledWith({ column: 4, operator: "lt", value: "5" });
  });

  it("begins with the one there is, and removes it", () => {
    const apply = vi.fn();
    const form = conditionForm(4, column("a"), { column: 4, operator: "ge", value: "2" }, apply);
    expect(form.querySelector("select")!.value).toBe("ge");
    expect(form.querySelector("input")!.value).toBe("2");
    form.querySelector<HTMLElement>("button[type=button]")!.click();
    expect(apply).toHaveBeenCalledWith(null);
  });

  it("begins where one types", () => {
    const form = conditionForm(4, column("a"), undefined, vi.fn());
    const near = document.createElement("div");
    document.body.append(near);
    openPopover(document.body, near, "Filter", form, vi.fn());
    expect(document.activeElement).toBe(form.querySelector("input"));
  });

  it("offers what the column's values can be compared by, and begins with one of those", () => {
    const form = conditionForm(1, column("t", { align: "left", operators: ["eq", "lt", "missing"] }), undefined, vi.fn());
    const offered = [...form.querySelectorAll("option")].map((each) => each.value);
    expect([offered, form.querySelector("select")!.value]).toEqual([["eq", "lt", "missing"], "eq"]);
  });

  it("asks for no value where none is compared", () => {
    const apply = vi.fn();
    const form = conditionForm(1, column("l", { operators: ["missing", "present"] }), undefined, apply);
    expect([...form.querySelectorAll("option")].map((each) => each.value)).toEqual(["missing", "present"]);
    expect(form.querySelector("input")!.hidden).toBe(true);
    submit(form);
    expect(apply).toHaveBeenCalledWith({ column: 1, operator: "missing", value: "" });
  });
});

describe("a box", () => {
  const at = (top: number, bottom: number): DOMRect => ({ top, bottom, left: 0, right: 90, width: 90, height: bottom - top }) as DOMRect;

  it("opens above what lies at the end, where it has room", () => {
    const [outer, near] = [document.createElement("div"), document.createElement("div")];
    outer.getBoundingClientRect = () => at(100, 500);
    near.getBoundingClientRect = () => at(470, 500);
    vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(300);
    const { element } = openPopover(outer, near, "Value", document.createElement("p"), vi.fn());
    vi.restoreAllMocks();
    expect([element.style.bottom, element.style.maxHeight, element.style.top]).toEqual(["32px", "360px", ""]);
  });
});

describe("the list of columns", () => {
  const columns = Array.from({ length: 1000 }, (_, i) => column(`Column ${i}`));
  const find = (list: HTMLElement, text: string): void => {
    const search = list.querySelector<HTMLInputElement>("input[type=search]")!;
    search.value = text;
    search.dispatchEvent(new Event("input"));
  };

  it("finds columns, and lists no more than can be looked through", () => {
    const list = columnList(columns, [], { go: vi.fn(), hide: vi.fn() });
    expect(list.querySelectorAll("li")).toHaveLength(200);
    expect(list.textContent).toContain("1,000 of 1,000 columns, the first 200 listed");
    find(list, "column 99");
    expect(list.querySelectorAll("li")).toHaveLength(11);
  });

  it("counts the row index as no column", () => {
    const list = columnList([column("", { is_index: true }), column("a")], [], { go: vi.fn(), hide: vi.fn() });
    expect(list.querySelectorAll("li")).toHaveLength(2);
    expect(list.textContent).toContain("1 of 1 columns");
  });

  it("goes to the first that was found", () => {
    const go = vi.fn();
    const list = columnList(columns, [], { go, hide: vi.fn() });
    find(list, "789");
    list.querySelector("input[type=search]")!.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    expect(go).toHaveBeenCalledWith(789);
  });

  it("hides and shows columns", () => {
    const hide = vi.fn();
    const list = columnList(columns, [2], { go: vi.fn(), hide });
    document.body.append(list); // only there do boxes change
    const boxes = list.querySelectorAll<HTMLInputElement>("input[type=checkbox]");
    expect([...boxes].slice(0, 4).map((box) => box.checked)).toEqual([true, true, false, true]);
    boxes[0]!.click();
    expect(hide).toHaveBeenLastCalledWith([2, 0]);
    boxes[2]!.click();
    expect(hide).toHaveBeenLastCalledWith([0]);
  });
});
