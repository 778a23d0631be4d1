import { describe, expect, it, vi } from "vitest";
import { html, setAttributes, svg } from "./dom";
import { keepKeys, keyName, onKeys } from "./keyboard";

const HOSTILE = `<img src=x onerror="alert(1)">&"'`;

describe("elements", () => {
  it("show hostile text as text", () => {
    const made = html("p", { title: HOSTILE }, HOSTILE, svg("title", {}, HOSTILE));
    expect(made.querySelector("img")).toBeNull();
    expect(made.textContent).toBe(HOSTILE + HOSTILE);
    expect(made.title).toBe(HOSTILE);
  });

  it("refuse attributes that could run code", () => {
    for (const name of ["onclick", "ONLOAD", "href", "src", "srcdoc", "style"]) {
      expect(() => setAttributes(html("a"), { [name]: "x" })).toThrow(name);
    }
  });

  it("leave out what is null or false", () => {
    const made = html("input", { disabled: false, title: null, required: true }, null);
    expect([...made.attributes].map((each) => each.name)).toEqual(["required"]);
  });
});

describe("keys", () => {
  it("have one name with their modifiers", () => {
    const name = (key: string, init = {}) => keyName(new KeyboardEvent("keydown", { key, ...init }));
    expect(name("ArrowDown")).toBe("ArrowDown");
    expect(name("Home", { ctrlKey: true, shiftKey: true })).toBe("Ctrl+Shift+Home");
    expect(name("f", { metaKey: true })).toBe("Ctrl+f");
    expect(name("?", { shiftKey: true })).toBe("?");
  });

  it("stay inside the widget", () => {
    const outside = vi.fn();
    const host = html("div", {}, html("button"));
    document.body.append(host);
    document.body.addEventListener("keydown", outside);
    const release = keepKeys(host);
    const press = () => host.firstElementChild!.dispatchEvent(
      new KeyboardEvent("keydown", { key: "d", bubbles: true }),
    );
    press();
    expect(outside).not.toHaveBeenCalled();
    release();
    press();
    expect(outside).toHaveBeenCalledOnce();
    host.remove();
  });

  it("that are handled are not handled again", () => {
    const element = html("div");
    const seen: string[] = [];
    onKeys(element, { a: () => (seen.push("a"), true), b: () => (seen.push("b"), false) });
    const press = (key: string) => {
      const event = new KeyboardEvent("keydown", { key, cancelable: true });
      element.dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect([press("a"), press("b"), press("c"), seen]).toEqual([true, false, false, ["a", "b"]]);
  });
});
