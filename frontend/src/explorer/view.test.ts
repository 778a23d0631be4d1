import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import widget from "./index";
import type { Details, FirstPage, Model, Row, Traits } from "./types";

function row(node: number, rest: Partial<Row> = {}): Row {
  return {
    node, parent: null, kind: "node", label: `node ${node}`, type: "Node", version: null, created: "", size: null,
    count: 0, capped: false, ...rest,
  };
}

const FIRST: FirstPage = {
  root: row(0, { label: "test.db", type: "database", count: 2 }), rows: [row(1, { count: 2 }), row(2)], after: null,
  total: 2, capped: false, types: ["Fit"], page_size: 20, read_at: "2026-01-01T00:00:00+00:00",
};

/** anywidget's model, with Python at its other end answering from a table. */
class Python implements Model {
  traits: Traits = { first_page: FIRST, selected: null, height: 500 };
  sent: Record<string, unknown>[] = [];
  listeners = new Map<string, Set<(message: unknown) => void>>();
  answers: Record<string, unknown> = {};
  silent = false;

  get<K extends keyof Traits>(name: K): Traits[K] {
    return this.traits[name];
  }
  set<K extends keyof Traits>(name: K, value: Traits[K]): void {
    this.traits[name] = value;
  }
  on(event: string, callback: (message: unknown) => void): void {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event)!.add(callback);
  }
  off(event: string, callback: (message: unknown) => void): void {
    this.listeners.get(event)?.delete(callback);
  }
  fire(event: string, message?: unknown): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(message);
  }
  get listening(): number {
    return [...this.listeners.values()].reduce((sum, each) => sum + each.size, 0);
  }
  send(content: unknown): void {
    const sent = content as Record<string, unknown>;
    this.sent.push(sent);
    if (sent["kind"] !== "request" || this.silent) return;
    const answer = this.answers[sent["method"] as string];
    const reply = answer instanceof Error ? { error: answer.message } : { result: answer ?? { rows: [], after: null } };
    queueMicrotask(() => this.fire("msg:custom", { kind: "reply", view: sent["view"], number: sent["number"], ...reply }));
  }
  asked(method: string): Record<string, unknown>[] {
    return this.sent.filter((each) => each["method"] === method);
  }
}

/** What Python tells of a chosen row. */
function details(of: Row, more: Partial<Details> = {}): Details {
  const facts = {
    name: "Node", label: "", badges: [], notes: [], lines: [], fields: [], more_fields: 0, table: null,
    picture: null, code: "", warnings: [],
  };
  return { row: of, facts, frames: [], code: "", notes: [], more_notes: false, ...more };
}

let python: Python;
let el: HTMLElement;
let leave: () => void;

const root = (): ShadowRoot => el.firstElementChild!.shadowRoot!;
const names = (): (string | null)[] => [...root().querySelectorAll(".item .name")].map((each) => each.textContent);
const item = (name: string): SVGElement =>
  [...root().querySelectorAll<SVGElement>(".item")].find((each) => each.querySelector(".name")?.textContent === name)!;
const press = (key: string): void => {
  const target = root().querySelector('.item[tabindex="0"]')!;
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true }));
};
const click = (target: Element): void => {
  target.dispatchEvent(new MouseEvent("click", { bubbles: true, composed: true, detail: 1 }));
};

beforeEach(() => {
  vi.useFakeTimers();
  python = new Python();
  el = document.createElement("div");
  document.body.append(el);
  leave = widget.render({ model: python, el });
});
afterEach(() => {
  leave();
  el.remove();
  vi.useRealTimers();
});
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(50);

describe("an explorer", () => {
  it("draws its first page without asking anybody", () => {
    expect(names()).toEqual(["test.db", "node 1", "node 2"]);
    expect(python.sent).toEqual([]);
  });

  it("has one clock, that of the rows", async () => {
    expect(root().querySelector(".status")!.textContent).toBe("2 below test.db · read at 00:00:00 UTC");
    const field = (label: string): HTMLInputElement => root().querySelector(`[aria-label="${label}"]`)!;
    field("Written").value = "range";
    field("Written from (UTC)").value = "2026-03-29T02:30";
    field("Written").dispatchEvent(new Event("change", { bubbles: true }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(JSON.stringify(python.sent)).toContain("2026-03-29T02:30:00.000Z");
  });

  it("opens, folds and opens again with one question", async () => {
    python.answers["children"] = { rows: [row(10), row(11)], after: null };
    click(item("node 1").querySelector(".toggle rect")!);
    await settle();
    expect(names()).toContain("node 10");
    press("ArrowLeft");
    expect(names()).not.toContain("node 10");
    press("ArrowRight");
    expect(names()).toContain("node 10");
    expect(python.asked("children")).toHaveLength(1);
  });

  it("asks once however often one clicks", async () => {
    python.silent = true;
    for (let n = 0; n < 11; n++) click(item("node 1").querySelector(".toggle rect")!);
    await settle();
    expect(python.asked("children")).toHaveLength(1);
    expect(names()).toContain("…");
  });

  it("says why nothing came, and tries again", async () => {
    python.answers["children"] = new Error("The database is locked.");
    click(item("node 1").querySelector(".toggle rect")!);
    await settle();
    expect(names()).toContain("The database is locked.");
    expect(root().querySelector(".status")!.textContent).toBe("The database is locked.");
    python.answers["children"] = { rows: [row(10)], after: null };
    click(item("The database is locked."));
    await settle();
    expect(names()).toContain("node 10");
  });

  it("gives up on a dead kernel, and folds what it has", async () => {
    python.silent = true;
    click(item("node 1").querySelector(".toggle rect")!);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(names().some((name) => name?.startsWith("Python has not answered"))).toBe(true);
    press("Home");
    press(" ");
    expect(names()).toEqual(["test.db"]);
  });

  it("chooses for Python, and what Python chooses", async () => {
    python.answers["details"] = {
      notes: [{ text: "<b>kept</b>\n\nas written", by: "ada", at: "2026-01-01 00:00:00 UTC" }], more_notes: false,
      row: row(2), frames: [], code: "await read_node(NodeFilter(node_id=2))",
      facts: {
        name: "Node", label: "", badges: [], notes: [], lines: ["a line"], fields: [], more_fields: 0, table: null,
        picture: null, code: "", warnings: [],
      },
    };
    click(item("node 2"));
    await settle();
    expect(python.sent.at(-1)).toMatchObject({ method: "details" });
    expect(python.traits.selected).toBe(2);
    expect(root().querySelector(".details")!.textContent).toContain("a line");
    expect(root().querySelector(".note-text")!.textContent).toBe("<b>kept</b>\n\nas written");
    expect(root().querySelector(".note-text")!.children).toHaveLength(0);
    python.traits.selected = 1;
    python.fire("change:selected");
    expect(item("node 1").getAttribute("aria-selected")).toBe("true");
    expect(item("node 2").getAttribute("aria-selected")).toBe("false");
  });

  it("names a chosen model once, its id unlike a tag, and breaks code at its joints", async () => {
    const code = "(await read_model(NodeFilter(node_id=2))).value";
    const model = row(2, { kind: "model", type: "Fit", version: 1, label: null, status: "locked", tags: ["#best"] });
    python.answers["details"] = details(model, { code });
    click(item("node 2"));
    await settle();
    const header = root().querySelector(".details header")!;
    expect([...header.querySelectorAll("h3, p")].map((each) => each.textContent)).toEqual(
      ["Fit v1", "model · Fit v1 · id 2"]);
    const shown = root().querySelector(".code-line code")!;
    expect(shown.textContent).toBe(code);
    expect([...shown.childNodes].filter((each) => each.nodeName !== "WBR").map((each) => each.textContent)).toEqual(
      ["(", "await read_model(", "NodeFilter(", "node_id=2)))", ".value"]);
  });

  it("reads a preview when it is asked for, and draws only pictures that run nothing", async () => {
    const of = row(2, { kind: "model", type: "Fit" });
    python.answers["details"] = details(of, { previews: [{ label: "plot", node: 7 }] });
    const facts = details(of).facts;
    python.answers["preview"] = {
      ...facts, code: "<b>", picture: { png: "AAAA", width: 3, height: 2, type: "svg+xml" } };
    click(item("node 2"));
    await settle();
    expect(python.asked("preview")).toEqual([]);
    const button = [...root().querySelectorAll<HTMLButtonElement>(".frame-field button")].at(-1)!;
    expect(button.textContent).toBe("Preview of plot");
    button.click();
    await settle();
    expect(python.asked("preview")[0]!["params"]).toEqual({ node: 7 });
    expect(root().querySelector<HTMLImageElement>(".frame img")!.src).toBe("data:image/png;base64,AAAA");
    expect(root().querySelector(".frame pre")!.textContent).toBe("<b>");
    button.click();
    expect(root().querySelector(".frame img")).toBeNull();
    python.answers["preview"] = new Error("It is gone.");
    button.click();
    await settle();
    expect(root().querySelector(".frame [role=alert]")!.textContent).toBe("It is gone.");
  });

  it("offers no change where nothing can be changed, and says why", async () => {
    python.answers["details"] = details(row(2), { refusal: "It is only read here." });
    click(item("node 2"));
    await settle();
    const buttons = [...root().querySelectorAll<HTMLButtonElement>(".changes button")];
    expect(buttons.map((each) => [each.disabled, each.title])).toEqual(
      Array(3).fill([true, "It is only read here."]));
    buttons[0]!.click();
    expect(root().querySelector(".changes [role=alert]")).toBeNull();
  });

  it("says how many go along, once that is counted", async () => {
    python.answers["details"] = details(row(1, { count: 2 }));
    python.answers["below"] = { rows: 1234 };
    click(item("node 1"));
    await settle();
    const buttons = [...root().querySelectorAll<HTMLButtonElement>(".changes button")];
    expect(buttons.map((each) => [each.disabled, each.title])).toEqual(Array(3).fill([false, ""]));
    click(buttons[0]!);
    const question = root().querySelector(".changes [role=alert]")!;
    expect(question.textContent).toBe("Move node 1 and all below it to the trash?");
    await settle();
    expect(question.textContent).toBe("Move node 1 and the 1,234 below it to the trash?");
  });

  it("jumps to a hit of a search", async () => {
    python.answers["search"] = { rows: [{ ...row(70), below: "node 7" }], after: null };
    python.answers["path"] = { rows: [row(7, { count: 1 }), row(70)] };
    const input = root().querySelector<HTMLInputElement>(".search input")!;
    input.value = "seventy";
    input.dispatchEvent(new Event("input"));
    await vi.advanceTimersByTimeAsync(300);
    expect(root().querySelector(".hit")!.textContent).toContain("in node 7");
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await settle();
    expect(item("node 70").getAttribute("aria-selected")).toBe("true");
    expect(python.traits.selected).toBe(70);
  });

  it("takes no hit of another text than what stands in the box", async () => {
    const input = root().querySelector<HTMLInputElement>(".search input")!;
    const type = (text: string): void => {
      input.value = text;
      input.dispatchEvent(new Event("input"));
    };
    const enter = (): void => void input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    python.answers["search"] = { rows: [row(1)], after: null };
    type("failed");
    await vi.advanceTimersByTimeAsync(300);
    python.answers["search"] = { rows: [row(2)], after: null };
    type("lr<0.01");
    enter();
    expect(python.traits.selected).toBeNull();
    await settle();
    expect(python.traits.selected).toBe(2);
    expect(python.asked("search").map((each) => (each["params"] as { text: string }).text)).toEqual(
      ["failed", "lr<0.01"]);
    // What fails is asked for again.
    python.answers["search"] = new Error("The database is locked.");
    type("node 1");
    await vi.advanceTimersByTimeAsync(300);
    python.answers["search"] = { rows: [row(1)], after: null };
    enter();
    await settle();
    expect(python.traits.selected).toBe(1);
    // Nor one that is typed over while Enter waits.
    python.silent = true;
    type("node");
    enter();
    await vi.advanceTimersByTimeAsync(10);
    python.silent = false;
    python.answers["search"] = { rows: [row(2)], after: null };
    type("nodes");
    await vi.advanceTimersByTimeAsync(300);
    expect(python.traits.selected).toBe(1);
    // An arrow chooses among what is seen.
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    enter();
    await settle();
    expect(python.traits.selected).toBe(2);
  });

  it("tells of hits how they went", async () => {
    python.answers["search"] = {
      rows: [
        row(1, { status: "failed", failed: true }), row(2, { status: "finished · locked" }),
        row(3, { label: null, status: "running" }), row(4, { kind: "model", type: "Fit", status: "locked" }),
      ], after: null,
    };
    const input = root().querySelector<HTMLInputElement>(".search input")!;
    input.value = "node";
    input.dispatchEvent(new Event("input"));
    await vi.advanceTimersByTimeAsync(300);
    const told = [...root().querySelectorAll<HTMLElement>(".hit")].map((hit) =>
      [...hit.querySelectorAll<HTMLElement>(".badge")].map((each) => [each.textContent, each.dataset["role"]]));
    expect(told).toEqual([[["failed", "failed"]], [["finished", "state"], ["locked", "state"]], [["running", "state"]], []]);
    expect(root().querySelectorAll(".hit-name")[2]!.textContent).toBe("Node 3");
  });

  it("counts in its footer what was opened", async () => {
    python.answers["children"] = { rows: [row(10), row(11)], after: null };
    click(item("node 1").querySelector(".toggle rect")!);
    await settle();
    const footer = root().querySelector(".status")!;
    expect(footer.textContent).toBe("2 below test.db · 4 shown · read at 00:00:00 UTC");
    press("ArrowLeft");
    expect(footer.textContent).toBe("2 below test.db · read at 00:00:00 UTC");
    python.answers["children"] = new Error("The database is locked.");
    python.traits.first_page = { ...FIRST };
    click(item("node 2"));
    python.fire("change:first_page");
    await settle();
    expect(footer.textContent).toContain("2 below test.db");
  });

  it("keeps the width of its details while one goes from node to node", async () => {
    const pane = root().querySelector(".details")!;
    const unfold = (): void => root().querySelector<HTMLButtonElement>(".frame-field button")!.click();
    for (const node of [1, 2]) {
      python.answers["details"] = details(row(node), { previews: [{ label: "plot", node: 7 }] });
      python.answers["preview"] = details(row(7)).facts;
      click(item(`node ${node}`));
      await settle();
      expect(pane.classList.contains("wide")).toBe(node === 2);
      unfold();
      await settle();
      expect(pane.classList.contains("wide")).toBe(true);
    }
    unfold();
    expect(pane.classList.contains("wide")).toBe(false);
    unfold();
    click(item("test.db"));
    expect(pane.classList.contains("wide")).toBe(false);
  });

  it("drops a search that was typed over", async () => {
    python.silent = true;
    const input = root().querySelector<HTMLInputElement>(".search input")!;
    for (const text of ["a", "ab"]) {
      input.value = text;
      input.dispatchEvent(new Event("input"));
      await vi.advanceTimersByTimeAsync(300);
    }
    expect(python.sent.map((each) => each["kind"])).toEqual(["request", "cancel", "request"]);
  });

  it("puts hits away when one turns to something else, and brings them back", async () => {
    const input = root().querySelector<HTMLInputElement>(".search input")!;
    const list = root().querySelector<HTMLElement>(".search .hits")!;
    input.value = "nothing";
    input.dispatchEvent(new Event("input"));
    await vi.advanceTimersByTimeAsync(300);
    expect(list.textContent).toBe("Nothing found.");
    const pressOn = (target: Element): boolean =>
      target.dispatchEvent(new MouseEvent("pointerdown", { bubbles: true, composed: true }));
    pressOn(list.firstElementChild!);
    expect(list.hidden).toBe(false);
    pressOn(document.body);
    expect(list.hidden).toBe(true);
    input.dispatchEvent(new FocusEvent("focus"));
    await settle();
    expect(list.hidden).toBe(false);
    input.dispatchEvent(new FocusEvent("focusout", { relatedTarget: root().querySelector("summary") }));
    expect(list.hidden).toBe(true);
  });

  it("shows other models when they are asked for", async () => {
    root().querySelector<HTMLInputElement>('.checks input[value="Fit"]')!.click();
    await settle();
    expect(python.asked("children")[0]!["params"]).toMatchObject({ node: 0, types: ["Fit"], created_after: null });
  });

  it("reads what is open anew when Python has", async () => {
    python.answers["children"] = { rows: [row(1), row(2), row(3)], after: null };
    python.traits.first_page = { ...FIRST, rows: [row(1), row(2), row(3)], total: 3 };
    python.fire("change:first_page");
    await settle();
    expect(names()).toContain("node 3");
  });

  it("leaves nothing behind", async () => {
    python.silent = true;
    click(item("node 1").querySelector(".toggle rect")!);
    leave();
    await settle();
    expect(python.sent.at(-1)).toMatchObject({ kind: "close" });
    expect(python.listening).toBe(0);
    expect(el.childElementCount).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("opens the way to what was chosen before it was shown", async () => {
    const chosen = new Python();
    chosen.traits.selected = 70;
    chosen.answers["path"] = { rows: [row(7, { count: 1 }), row(70)] };
    const place = document.createElement("div");
    const end = widget.render({ model: chosen, el: place });
    await settle();
    const shown = [...place.firstElementChild!.shadowRoot!.querySelectorAll(".item.selected .name")];
    expect(shown.map((each) => each.textContent)).toEqual(["node 70"]);
    end();
  });

  it("waits for a first page that was not read yet", () => {
    const later = new Python();
    later.traits.first_page = {};
    const place = document.createElement("div");
    const end = widget.render({ model: later, el: place });
    expect(place.textContent).toContain("explorer.refresh()");
    later.traits.first_page = FIRST;
    later.fire("change:first_page");
    expect(place.firstElementChild!.shadowRoot!.querySelectorAll(".item")).toHaveLength(3);
    end();
    expect(later.listening).toBe(0);
  });
});
