/** Texts for the clipboard. */

import { html } from "../shared/dom";

/**
 * Put a text into the clipboard.
 *
 * @param text the text
 * @param near what the text stands in for as long as an older way takes it from there
 * @returns whether the browser allowed it
 */
export async function copyText(text: string, near: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages over plain http have no clipboard of the newer kind.
    const before = (near.getRootNode() as Document | ShadowRoot).activeElement;
    const area = html("textarea", { class: "unseen", "aria-hidden": "true" });
    area.value = text;
    near.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    return done;
  }
}
