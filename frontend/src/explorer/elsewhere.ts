/** What lies over the rest of the page goes when one turns to that. */

/**
 * Be told when somebody goes elsewhere: by Tab, or by a press anywhere in the page.
 *
 * The focus alone does not tell. It stays where it is when what is pressed takes none,
 * and leaves, with nothing to name, when another window comes to the front.
 *
 * @param parts elements that are not elsewhere
 * @returns stops it
 */
export function onElsewhere(parts: HTMLElement[], leave: () => void): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  document.addEventListener("pointerdown", (event) => {
    const path = event.composedPath();
    if (!parts.some((part) => path.includes(part))) leave();
  }, { capture: true, signal });
  for (const part of parts) {
    part.addEventListener("focusout", ({ relatedTarget: to }) => {
      if (to instanceof Node && !parts.some((each) => each.contains(to))) leave();
    }, { signal });
  }
  return () => stop.abort();
}
