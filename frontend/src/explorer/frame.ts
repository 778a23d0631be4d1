/**
 * A frame inside the explorer, shown by the viewer's own bundle.
 *
 * Python sends that bundle with the first page, and it is loaded as anywidget loads
 * one: from memory.
 */

import { html } from "../shared/dom";
import { RequestError, type Ask } from "../shared/requests";

interface Viewer {
  mountViewer(root: HTMLElement, ask: Ask, first: unknown): () => void;
}

let loaded: { code: string; module: Promise<Viewer> } | undefined;

/** Show a frame in an element. */
export function mountFrame(element: HTMLElement, ask: Ask): () => void {
  const abort = new AbortController();
  let leave: () => void = () => undefined;
  element.replaceChildren(html("p", { class: "quiet" }, "Reading…"));
  void (async () => {
    try {
      const { first, code } = await ask<{ first: unknown; code: string }>("first", {}, { signal: abort.signal });
      const viewer = await load(code);
      if (abort.signal.aborted) return;
      element.replaceChildren();
      leave = viewer.mountViewer(element, ask, first);
    } catch (error) {
      if (abort.signal.aborted || (error instanceof RequestError && error.reason === "cancelled")) return;
      const text = error instanceof Error ? error.message : String(error);
      element.replaceChildren(html("p", { class: "warning", role: "alert" }, text));
    }
  })();
  return () => {
    abort.abort();
    leave();
    element.replaceChildren();
  };
}

function load(code: string): Promise<Viewer> {
  if (loaded?.code !== code) {
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const module = (import(/* @vite-ignore */ address) as Promise<Viewer>)
      .finally(() => URL.revokeObjectURL(address));
    loaded = { code, module };
  }
  return loaded.module;
}
