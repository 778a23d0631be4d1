/** The explorer's front end, by the rules of anywidget's front-end modules. */

import { html } from "../shared/dom";
import { mountFrame } from "./frame";
import type { Model } from "./types";
import { ExplorerView } from "./view";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  let view: ExplorerView | null = null;
  const begin = (): void => {
    if (view !== null || model.get("first_page").root === undefined) return;
    el.replaceChildren();
    view = new ExplorerView(model, el, mountFrame);
  };
  if (model.get("first_page").root === undefined) {
    el.append(html("p", {}, "Nothing was read yet. Type: await explorer.refresh()"));
  }
  model.on("change:first_page", begin);
  begin();
  return () => {
    model.off("change:first_page", begin);
    view?.close();
  };
}

export default { render };
