/** Keys inside a widget, kept from the notebook around it. */

/** What a key does; `true` if it did something. */
export type KeyHandler = (event: KeyboardEvent) => boolean;

/**
 * Keep the keys typed in a widget from the notebook, where `d d` deletes a cell.
 *
 * JupyterLab looks for the attribute while the event comes down; other front ends
 * listen on the way up.
 *
 * @returns takes the listener away
 */
export function keepKeys(host: HTMLElement): () => void {
  host.dataset["lmSuppressShortcuts"] = "true";
  const stop = (event: Event): void => event.stopPropagation();
  host.addEventListener("keydown", stop);
  return () => host.removeEventListener("keydown", stop);
}

/** Handle keys by name, as `{ ArrowDown: …, "Shift+Enter": … }`; handled ones go no further. */
export function onKeys(
  element: HTMLElement | SVGElement, keys: Record<string, KeyHandler>,
): () => void {
  const listener = (event: Event): void => {
    if (!(event instanceof KeyboardEvent) || event.isComposing) return;
    if (keys[keyName(event)]?.(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  element.addEventListener("keydown", listener);
  return () => element.removeEventListener("keydown", listener);
}

/** A key with its modifiers, `Ctrl+Shift+Home`; Mac's command key counts as Ctrl. */
export function keyName(event: KeyboardEvent): string {
  const modifiers = [
    event.ctrlKey || event.metaKey ? "Ctrl+" : "",
    event.altKey ? "Alt+" : "",
    // Shift already shows in a printable character.
    event.shiftKey && event.key.length > 1 ? "Shift+" : "",
  ];
  return modifiers.join("") + event.key;
}
