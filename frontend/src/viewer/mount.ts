/** Puts a viewer anywhere: into its own widget, or beside something else. */

import { html } from "../shared/dom";
import type { Ask } from "../shared/requests";
import type { Chosen, FirstPage } from "./protocol";
import css from "./style.css";
import { Viewer } from "./viewer";

/**
 * Show a frame.
 *
 * @param root what to show it in; it brings its own style
 * @param ask asks whoever answers for the frame
 * @param first its first page
 * @returns takes it away again
 */
export function mountViewer(
  root: ShadowRoot | HTMLElement, ask: Ask, first: FirstPage,
): () => void {
  return openViewer(root, ask, first).close;
}

/**
 * The same, for whoever has more to tell the viewer later.
 *
 * @param choose told what is selected
 */
export function openViewer(
  root: ShadowRoot | HTMLElement, ask: Ask, first: FirstPage,
  choose: (chosen: Chosen) => void = () => undefined,
): { viewer: Viewer; close: () => void } {
  const style = html("style");
  style.textContent = css;
  const viewer = new Viewer(ask, choose);
  root.append(style, viewer.element);
  viewer.start(first);
  return {
    viewer,
    close: () => {
      viewer.close();
      style.remove();
    },
  };
}
