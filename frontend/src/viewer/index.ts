/** The frame viewer as a widget of its own. */

import type { AnyModel } from "@anywidget/types";
import { Requests } from "../shared/requests";
import { openRoot } from "../shared/root";
import { openViewer } from "./mount";
import type { Chosen, FirstPage, State } from "./protocol";

interface Model {
  first_page: FirstPage;
  state: State | Record<string, never>;
  chosen: Chosen | null;
  height: number;
}

function render({ model, el }: { model: AnyModel<Model>; el: HTMLElement }): () => void {
  const root = openRoot(el, "");
  const requests = new Requests(model);
  const { viewer, close } = openViewer(
    root.shadow, (...question) => requests.ask(...question), model.get("first_page"),
    (chosen) => {
      model.set("chosen", chosen);
      requests.set("chosen", chosen);
    },
  );
  const resize = (): void => {
    viewer.element.style.height = `${model.get("height")}px`;
  };
  const first = (): void => viewer.first(model.get("first_page"));
  const refresh = (): void => {
    const state = model.get("state");
    if ("revision" in state) viewer.refresh(state as State);
  };
  resize();
  model.on("change:height", resize);
  model.on("change:first_page", first);
  model.on("change:state", refresh);
  return () => {
    model.off("change:height", resize);
    model.off("change:first_page", first);
    model.off("change:state", refresh);
    close();
    requests.close();
    root.close();
  };
}

/** For whoever shows a frame inside of something else. */
export { mountViewer } from "./mount";

export default { render };
