/** A box to type in, with a list of rows below it that grows as one asks for more. */

import { html, setAttributes } from "../shared/dom";
import { onKeys } from "../shared/keyboard";
import { RequestError } from "../shared/requests";
import { onElsewhere } from "./elsewhere";
import { drawBadges } from "./facts";
import { boxText, nameText, tagsText } from "./tree";
import type { Row } from "./types";

/** Rows found, and where to go on. */
export interface Found {
  rows: (Row & { below?: string })[];
  after: number | null;
  /** What to say where nothing was found. */
  hint?: string;
}

export interface HitListOptions {
  label: string;
  placeholder: string;
  hint?: string;
  /** Look for a text; `after` is the key to go on from. */
  find(text: string, after: number | null, signal: AbortSignal): Promise<Found>;
  choose(row: Row): void;
  /** Where Escape leads when nothing is left to take back. */
  leave?(): void;
  /** Whether an empty text finds anything. */
  findsAll: boolean;
}

/** Milliseconds without a key before a search begins. */
const PAUSE = 180;
let lists = 0;

/** A combobox: the keyboard stays in the box, and walks the list with the arrows. */
export class HitList {
  readonly input: HTMLInputElement;
  readonly list: HTMLElement;
  readonly #options: HitListOptions;
  readonly #status: HTMLElement;
  readonly #unlisten: (() => void)[];
  readonly #prefix = `ag-hits-${++lists}`;
  #rows: Found["rows"] = [];
  #after: number | null = null;
  #active = -1;
  /** Whether what stands in the box is not yet what was found. */
  #typed = false;
  /** Whether the first hit is taken as soon as it is found. */
  #takes = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked: AbortController | undefined;

  constructor(options: HitListOptions) {
    this.#options = options;
    this.list = html("div", { class: "hits", role: "listbox", id: this.#prefix, "aria-label": options.label, hidden: true });
    this.#status = html("div", { class: "quiet hint", role: "status" });
    this.input = html("input", {
      type: "search", placeholder: options.placeholder, title: options.hint ?? null, role: "combobox",
      "aria-label": options.label, "aria-controls": this.#prefix, "aria-expanded": "false",
      "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", maxlength: 200,
    });
    this.input.addEventListener("input", () => this.#type());
    this.input.addEventListener("focus", () => {
      // What was found was put away when one went elsewhere.
      if (this.input.value.trim() !== "" || options.findsAll) this.#later(0);
    });
    const releaseKeys = onKeys(this.input, {
      ArrowDown: () => this.#move(1),
      ArrowUp: () => this.#move(-1),
      Enter: () => this.#enter(),
      Escape: () => this.#escape(),
    });
    this.#unlisten = [releaseKeys, onElsewhere([this.input, this.list], () => this.hide())];
    // Before the box loses its focus, and the list with it.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const index = (event.target as Element).closest<HTMLElement>("[data-index]")?.dataset["index"];
      if (index !== undefined) this.#choose(Number(index));
    });
  }

  /** Begin anew; what was found may not be so any more. */
  clear(): void {
    this.input.value = "";
    this.hide();
  }

  hide(): void {
    this.#asked?.abort();
    clearTimeout(this.#timer);
    this.#rows = [];
    this.#active = -1;
    this.#takes = false;
    this.#show(false);
  }

  close(): void {
    this.hide();
    for (const unlisten of this.#unlisten) unlisten();
  }

  /** What was found for another text is nothing to be taken any more. */
  #type(): void {
    this.#asked?.abort();
    this.#typed = true;
    this.#takes = false;
    this.#active = -1;
    this.#mark();
    this.input.removeAttribute("aria-activedescendant");
    this.#later();
  }

  #later(pause = PAUSE): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#find(null), pause);
  }

  async #find(after: number | null): Promise<void> {
    this.#asked?.abort();
    const asked = new AbortController();
    this.#asked = asked;
    const text = this.input.value.trim();
    if (text === "" && !this.#options.findsAll) {
      this.hide();
      return;
    }
    this.#say("Searching…");
    this.#show(true);
    try {
      const found = await this.#options.find(text, after, asked.signal);
      if (asked.signal.aborted) return;
      this.#rows = after === null ? found.rows : [...this.#rows, ...found.rows];
      this.#after = found.after;
      if (after === null) this.#active = -1;
      this.#typed = false;
      this.#draw();
      this.#say(this.#rows.length === 0 ? found.hint || "Nothing found." : "");
      if (this.#takes && this.#rows.length > 0) this.#choose(0);
      this.#takes = false;
    } catch (error) {
      if (asked.signal.aborted || (error instanceof RequestError && error.reason === "cancelled")) return;
      this.#rows = [];
      this.#takes = false;
      this.#asked = undefined; // Enter asks again
      this.#draw();
      this.#say(error instanceof Error ? error.message : String(error));
    }
  }

  #draw(): void {
    const options = this.#rows.map((row, index) => html("div", {
      class: "hit", role: "option", id: `${this.#prefix}-${index}`, "data-index": index,
      "aria-selected": "false",
    },
    html("span", { class: `dot ${row.kind}`, "aria-hidden": "true" }),
    html("span", { class: "hit-name" }, row.label ?? unnamed(row)),
    ...statusBadges(row),
    html("span", { class: "quiet" }, row.kind === "node" ? row.type : boxText(row)),
    row.below ? html("span", { class: "quiet hit-below" }, `in ${row.below}`) : null,
    html("span", { class: "quiet hit-id" }, `#${row.node}`)));
    if (this.#after !== null) {
      options.push(html("div", {
        class: "hit hit-more", role: "option", id: `${this.#prefix}-${this.#rows.length}`,
        "data-index": this.#rows.length, "aria-selected": "false",
      }, "Show more"));
    }
    this.list.replaceChildren(...options, this.#status);
    this.#mark();
  }

  #say(text: string): void {
    this.#status.textContent = text;
    this.#status.hidden = text === "";
    if (!this.list.contains(this.#status)) this.list.append(this.#status);
  }

  #show(shown: boolean): void {
    this.list.hidden = !shown;
    setAttributes(this.input, { "aria-expanded": String(shown), "aria-activedescendant": null });
  }

  #move(step: number): boolean {
    this.#takes = false;
    const count = this.#rows.length + (this.#after === null ? 0 : 1);
    if (this.list.hidden || count === 0) {
      this.#later(0);
      return true;
    }
    this.#active = (this.#active + step + count) % count;
    this.#mark();
    return true;
  }

  #mark(): void {
    for (const option of this.list.querySelectorAll<HTMLElement>("[data-index]")) {
      const isActive = Number(option.dataset["index"]) === this.#active;
      option.setAttribute("aria-selected", String(isActive));
      if (isActive) {
        option.scrollIntoView?.({ block: "nearest" });
        this.input.setAttribute("aria-activedescendant", option.id);
      }
    }
  }

  #enter(): boolean {
    if (this.#typed && this.#active < 0) {
      this.#takes = true;
      // At once, unless that is being asked already.
      if (this.#asked === undefined || this.#asked.signal.aborted) this.#later(0);
    } else if (this.list.hidden) this.#later(0);
    else if (this.#rows.length > 0) this.#choose(Math.max(this.#active, 0));
    return true;
  }

  #escape(): boolean {
    if (this.list.hidden && this.input.value === "") {
      this.#options.leave?.();
      return this.#options.leave !== undefined;
    }
    if (this.list.hidden) this.input.value = "";
    this.hide();
    return true;
  }

  #choose(index: number): void {
    const row = this.#rows[index];
    if (row === undefined) {
      void this.#find(this.#after);
      return;
    }
    this.#options.choose(row);
    this.hide();
  }
}

/** How a run went, as its details have it; the boxes of values say so themselves. */
function statusBadges(row: Row): HTMLElement[] {
  if (row.kind !== "node" || !row.status) return [];
  const role = row.failed ? "failed" : "state";
  return drawBadges(row.status.split(" · ").map((text) => ({ text, role: text === "locked" ? "state" : role })));
}

function unnamed(row: Row): string {
  return row.kind === "node" ? `${nameText(row)}${tagsText(row)}` : boxText(row);
}
