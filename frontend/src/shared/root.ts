/** A widget's own corner of the page: nothing styles it from outside, nor it the outside. */

import { keepKeys } from "./keyboard";
import theme from "./theme.css";

/** Where a widget draws, and how it leaves. */
export interface Root {
  shadow: ShadowRoot;
  close(): void;
}

/**
 * Open a shadow root below an element that the notebook gives.
 *
 * @param parent the element
 * @param css the widget's own style
 */
export function openRoot(parent: HTMLElement, css: string): Root {
  const host = document.createElement("div");
  const shadow = host.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = theme + css;
  shadow.append(style);
  const releaseKeys = keepKeys(host);
  const unfollow = followTheme(host);
  parent.append(host);
  return {
    shadow,
    close: () => {
      unfollow();
      releaseKeys();
      host.remove();
    },
  };
}

/** Tell a host whether the page is dark, where the page says so. */
function followTheme(host: HTMLElement): () => void {
  const apply = (): void => {
    const dark = isDark();
    if (dark === null) delete host.dataset["theme"];
    else host.dataset["theme"] = dark ? "dark" : "light";
  };
  apply();
  const observer = new MutationObserver(apply);
  const attributeFilter = ["class", "data-jp-theme-light", "data-theme", "data-vscode-theme-kind", "theme"];
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter });
  }
  return () => observer.disconnect();
}

function isDark(): boolean | null {
  const { documentElement: page, body } = document;
  const jupyter = body.dataset["jpThemeLight"]; // JupyterLab, Notebook 7, Voila
  if (jupyter !== undefined) return jupyter === "false";
  const code = body.dataset["vscodeThemeKind"];
  if (code !== undefined) return code !== "vscode-light" && code !== "vscode-high-contrast-light";
  for (const element of [page, body]) {
    // Colab says theme="dark", marimo and many others class="dark" or data-theme.
    const said = element.getAttribute("theme") ?? element.dataset["theme"];
    if (said === "dark" || element.classList.contains("dark")) return true;
    if (said === "light" || element.classList.contains("light")) return false;
  }
  return null;
}
