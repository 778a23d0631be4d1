/** The pane that tells of the chosen node: facts, frames, and a line of code that reads it. */

import { html } from "../shared/dom";
import { RequestError, type Ask } from "../shared/requests";
import { changeButtons, type ChangesOptions } from "./changes";
import { copy } from "./export";
import { drawBadges, drawFacts } from "./facts";
import { HitList, type Found } from "./hits";
import { nameText } from "./tree";
import { SCOPE, type Details, type Facts, type Narrowing, type Part, type Row } from "./types";

/** Shows a frame in an element, and returns what takes it away. */
export type MountFrame = (element: HTMLElement, ask: Ask) => () => void;

export interface DetailsOptions extends Pick<ChangesOptions, "changed"> {
  ask: Ask;
  narrowing(): Narrowing;
  jump(row: Row): void;
  say(text: string): void;
  mountFrame: MountFrame | null;
  /** How many children are drawn without being asked for. */
  page: number;
}

const KINDS = { node: "node", model: "model", artifact: "value" };

export class DetailsPane {
  readonly element = html("aside", { class: "details", "aria-label": "Details" });
  readonly #options: DetailsOptions;
  #asked: AbortController | undefined;
  #leave: (() => void)[] = [];
  /** How to take back what was thrown away last, until another node is chosen. */
  #undo: HTMLElement | null = null;

  constructor(options: DetailsOptions) {
    this.#options = options;
    this.#welcome();
  }

  /** Tell of a row, or of nothing. */
  async show(row: Row | null): Promise<void> {
    this.#asked?.abort();
    this.#clear();
    if (row === null || row.node === SCOPE) {
      this.#welcome(row);
      return;
    }
    this.#undo = null;
    const asked = new AbortController();
    this.#asked = asked;
    this.element.append(head(row), html("p", { class: "quiet" }, "Reading…"));
    try {
      const params = { node: row.node };
      const details = await this.#options.ask<Details>("details", params, { signal: asked.signal });
      if (!asked.signal.aborted) this.#draw(details);
    } catch (error) {
      if (asked.signal.aborted || (error instanceof RequestError && error.reason === "cancelled")) return;
      const again = html("button", { type: "button" }, "Try again");
      again.addEventListener("click", () => void this.show(row));
      this.element.replaceChildren(
        head(row), html("p", { class: "warning", role: "alert" }, said(error)), again);
    }
  }

  close(): void {
    this.#asked?.abort();
    this.#clear();
  }

  #clear(): void {
    for (const leave of this.#leave.splice(0)) leave();
    this.element.replaceChildren();
  }

  #welcome(row: Row | null = null): void {
    this.element.classList.remove("wide");
    if (this.#undo !== null) this.element.append(this.#undo);
    this.element.append(html("p", { class: "quiet" },
      "Choose a node to see what it holds. Arrow keys walk the tree, Enter chooses, / searches."));
    if (row !== null && row.count > this.#options.page) this.element.append(this.#childList(row));
  }

  #draw({ row, facts, frames, previews = [], code, notes: written, more_notes: more, refusal = null }: Details): void {
    const button = html("button", { type: "button", title: "Copy this line of code" }, "Copy");
    button.addEventListener("click", () => {
      void copy(code).then(() => this.#options.say("Copied."));
    });
    const notes = facts.notes.filter(([name]) => name !== "id");
    this.element.replaceChildren(
      head(row, facts.label !== "" ? facts.label : undefined),
      html("div", { class: "badges" }, ...drawBadges(facts.badges)),
      html("div", { class: "code-line" }, drawCode(code), button),
    );
    if (row.count > this.#options.page) this.element.append(this.#childList(row));
    for (const frame of frames) this.element.append(this.#frame(frame));
    for (const part of previews) this.element.append(this.#preview(part));
    this.element.append(drawFacts({ ...facts, notes }));
    if (written.length > 0) this.element.append(drawNotes(written, more));
    const { ask, changed, say } = this.#options;
    const locked = facts.badges.some((badge) => badge.text === "locked");
    this.element.append(
      changeButtons(row, locked, { ask, changed, say, refusal, offer: (undo) => (this.#undo = undo) }));
  }

  #childList(row: Row): HTMLElement {
    const { ask, jump, narrowing } = this.#options;
    const hits = new HitList({
      label: `Find below ${row.label ?? nameText(row)}`,
      placeholder: `Find among ${row.count.toLocaleString("en")}${row.capped ? " or more" : ""}…`,
      findsAll: true,
      find: (label, after, signal) => ask<Found>(
        "children", { node: row.node, label, after: after ?? 0, limit: 50, ...narrowing() }, { signal }),
      choose: jump,
    });
    this.#leave.push(() => hits.close());
    return html("div", { class: "children" }, hits.input, hits.list);
  }

  #frame(frame: Part): HTMLElement {
    const { ask, mountFrame } = this.#options;
    if (mountFrame === null) return html("span");
    return this.#unfolds(frame.label === "" ? "Look into the frame" : `Look into ${frame.label}`,
      (place) => mountFrame(place, (method, params, options) =>
        ask("viewer", { node: frame.node, method, params: params ?? {} }, options)));
  }

  /** Shows a value, of which nothing is read before. */
  #preview(part: Part): HTMLElement {
    return this.#unfolds(part.label === "" ? "Preview" : `Preview of ${part.label}`, (place) => {
      const asked = new AbortController();
      place.replaceChildren(html("p", { class: "quiet" }, "Reading…"));
      this.#options.ask<Facts>("preview", { node: part.node }, { signal: asked.signal }).then(
        (facts) => { if (!asked.signal.aborted) place.replaceChildren(drawFacts(facts)); },
        (error: unknown) => {
          if (asked.signal.aborted) return;
          place.replaceChildren(html("p", { class: "warning", role: "alert" }, said(error)));
        });
      return () => asked.abort();
    });
  }

  /** A button that shows something below itself, and takes it away again. */
  #unfolds(text: string, mount: (place: HTMLElement) => () => void): HTMLElement {
    const place = html("div", { class: "frame" });
    const button = html("button", { type: "button", "aria-expanded": "false" }, text);
    let leave: (() => void) | null = null;
    const toggle = (): void => {
      if (leave === null) {
        leave = mount(place);
      } else {
        leave();
        leave = null;
        place.replaceChildren();
      }
      button.setAttribute("aria-expanded", String(leave !== null));
      // It stays so while one goes from node to node: nothing jumps that was not folded by hand.
      const open = this.element.querySelector(".frame-field > [aria-expanded=true]");
      this.element.classList.toggle("wide", open !== null);
    };
    button.addEventListener("click", toggle);
    this.#leave.push(() => leave?.());
    return html("div", { class: "frame-field" }, button, place);
  }
}

/** What people have written about a node, as they have written it: never as a page's own. */
function drawNotes(notes: Details["notes"], more: boolean): HTMLElement {
  const drawn = notes.map(({ text, by, at }) => html("li", {},
    html("p", { class: "quiet" }, [by, at].filter((one) => one !== "").join(" · ")),
    html("div", { class: "note-text" }, text)));
  return html("section", { class: "written", "aria-label": "Notes" },
    html("h4", {}, more ? `Notes, the newest ${notes.length}` : "Notes"), html("ul", {}, ...drawn));
}

/** A line of code, which a narrow pane breaks where Python's reader would, and not within a name. */
function drawCode(code: string): HTMLElement {
  const parts = code.split(/(?<=\()|(?=\.)/);
  return html("code", { tabindex: 0 }, ...parts.flatMap((part) => [html("wbr"), part]).slice(1));
}

// Its tags stand below as badges, and an id with a # would look like one of them.
function head(row: Row, label = row.label ?? nameText(row)): HTMLElement {
  return html("header", {},
    html("span", { class: `dot ${row.kind}`, "aria-hidden": "true" }),
    html("h3", {}, label),
    html("p", { class: "quiet" },
      [KINDS[row.kind], row.kind === "node" ? row.type : nameText(row), `id ${row.node}`].join(" · ")));
}

/** An error for people. */
export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
