import { describe, expect, it, vi } from "vitest";
import { html } from "../shared/dom";
import { RequestError } from "../shared/requests";
import { Unopened } from "./unopened";

describe("a frame that cannot be opened", () => {
  it("says all of why in place of its rows, until it opens", () => {
    const rows = html("div");
    const unopened = new Unopened(rows);
    const why = `Not registered here. ${"It was far away. ".repeat(20)}Type:\nFileSystemStorage("x").register()`;
    const retry = vi.fn();
    unopened.problem(new RequestError(why, "failed"), retry);
    expect([unopened.element.getAttribute("role"), unopened.element.hidden, rows.hidden]).toEqual(["alert", false, true]);
    expect(unopened.element.querySelector("pre")!.textContent).toBe(why);
    unopened.element.querySelector("button")!.click();
    expect(retry).toHaveBeenCalledOnce();
    unopened.clear();
    expect([unopened.element.hidden, rows.hidden]).toEqual([true, false]);
  });
});
