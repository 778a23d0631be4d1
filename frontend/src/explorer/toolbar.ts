/** What stands above the tree: the search, the filter, files and the zoom. */

import { html } from "../shared/dom";
import type { Camera } from "./camera";
import { said } from "./details";
import { copy, save, toDot, toMermaid, toPng, toSvg } from "./export";
import type { HitList } from "./hits";
import type { Layout } from "./layout";
import { menu, type NarrowMenu } from "./narrow";

export interface ToolbarOptions {
  search: HitList;
  narrow: NarrowMenu;
  camera: Camera;
  /** What is open. */
  layout(): Layout;
  refresh(): void;
  say(text: string): void;
}

/** Make the toolbar. */
export function newToolbar(options: ToolbarOptions): HTMLElement {
  const { search, narrow, camera, layout } = options;
  return html("div", { class: "toolbar", role: "toolbar", "aria-label": "Explorer" },
    html("div", { class: "search" }, search.input, search.list),
    narrow.element,
    files(options),
    button("↻", "Refresh: read what others have written", options.refresh),
    html("span", { class: "zoom", role: "group", "aria-label": "Zoom" },
      button("−", "Zoom out", () => camera.zoomBy(1 / 1.3)),
      button("Fit", "Show all that is open", () => camera.fit(layout().bounds)),
      button("+", "Zoom in", () => camera.zoomBy(1.3))));
}

function files({ layout, say }: ToolbarOptions): HTMLElement {
  const file = (name: string, act: () => Promise<void> | void): HTMLElement =>
    button(name, `Save as ${name}`, () => {
      // A function of its own, so that what it throws at once is told as well.
      void (async () => act())().catch((error: unknown) => say(said(error)));
    });
  return menu("Export", "Save what is open as a file",
    file("SVG", () => save(toSvg(layout()), "artigraph.svg", "image/svg+xml")),
    file("PNG", async () => save(await toPng(layout()), "artigraph.png", "image/png")),
    file("Mermaid", () => save(toMermaid(layout()), "artigraph.mmd", "text/plain")),
    file("DOT", () => save(toDot(layout()), "artigraph.dot", "text/plain")),
    button("Copy as Mermaid", "Copy what is open as Mermaid", () => {
      void copy(toMermaid(layout())).then(() => say("Copied."));
    }));
}

function button(text: string, title: string, act: () => void): HTMLElement {
  const made = html("button", { type: "button", title, "aria-label": title }, text);
  made.addEventListener("click", act);
  return made;
}
