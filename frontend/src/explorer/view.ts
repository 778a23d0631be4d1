/** One view of an explorer: the drawing, the pane beside it, and the hands on both. */

import { html, svg } from "../shared/dom";
import { onKeys } from "../shared/keyboard";
import { openRoot } from "../shared/root";
import { Requests } from "../shared/requests";
import { Camera } from "./camera";
import { DetailsPane, said, type MountFrame } from "./details";
import { Drawing, keyOf } from "./draw";
import { Footer } from "./footer";
import { HitList, type Found } from "./hits";
import { BOX_HEIGHT, contains, extent, layOut, toggleWidth, type Bounds, type Layout } from "./layout";
import { Loader } from "./loader";
import { NarrowMenu } from "./narrow";
import css from "./style.css";
import { newToolbar } from "./toolbar";
import { flatten, Tree, type Item } from "./tree";
import { SCOPE, type FirstPage, type Model, type Row } from "./types";

const HINT = "Words in labels and types, fields as loss<0.1 or name=*, ids as #12, tags as #best or tag:stage=prod";
/** Milliseconds that a search may take: one that finds nothing reads the whole table. */
const SLOW = 60_000;
/** Below this scale texts are only specks, … */
const FAR = 0.35;
/** … and below this one counts are. */
const FARTHER = 0.12;

export class ExplorerView {
  readonly #model: Model;
  readonly #requests: Requests;
  readonly #leave: (() => void)[] = [];
  readonly #svg = svg("svg", { class: "tree", role: "tree", "aria-label": "Tree of nodes" });
  readonly #world = svg("g");
  readonly #drawing = new Drawing(this.#world);
  readonly #camera: Camera;
  readonly #footer = new Footer();
  readonly #search: HitList;
  readonly #narrow: NarrowMenu;
  readonly #details: DetailsPane;
  readonly #loader: Loader;
  #tree: Tree;
  #layout: Layout = layOut([]);
  #active = "";
  #near: Bounds | null = null;
  #frame = 0;
  /** What the last click hit. */
  #clicked = "";
  #closed = false;

  constructor(model: Model, element: HTMLElement, mountFrame: MountFrame | null) {
    this.#model = model;
    const first = model.get("first_page") as FirstPage;
    this.#tree = new Tree(first);
    this.#requests = new Requests(model);
    const ask = this.#requests.ask.bind(this.#requests);
    const narrowing = (): ReturnType<NarrowMenu["value"]> => this.#narrow.value();
    this.#narrow = new NarrowMenu(() => void this.#reload());
    this.#loader = new Loader(() => this.#tree, {
      ask, narrowing, changed: () => this.#redraw(), failed: (why) => this.#say(why), page: first.page_size,
    });
    const jump = (row: Row): void => void this.#jump(row.node);
    this.#search = new HitList({
      label: "Search the whole tree", placeholder: "Search: label, loss<0.1, #best", hint: HINT, findsAll: false,
      find: (text, after, signal) =>
        ask<Found>("search", { text, before: after, ...narrowing() }, { signal, timeout: SLOW }),
      choose: jump, leave: () => this.#drawing.element(this.#active)?.focus({ preventScroll: true }),
    });
    this.#details = new DetailsPane({
      ask, narrowing, jump, mountFrame, page: first.page_size, say: (text) => this.#say(text),
      changed: (node) => this.#changed(node),
    });
    this.#world.setAttribute("class", "world");
    this.#svg.append(this.#world);
    this.#camera = new Camera({ element: this.#svg, moved: () => this.#moved() });

    const toolbar = newToolbar({
      search: this.#search, narrow: this.#narrow, camera: this.#camera, layout: () => this.#layout,
      refresh: () => void this.#refresh(), say: (text) => this.#say(text),
    });
    const root = openRoot(element, css);
    const stage = html("div", { class: "stage" }, this.#svg);
    const main = html("div", { class: "main" }, stage, this.#details.element);
    const box = html("div", { class: "explorer" }, toolbar, main, this.#footer.element);
    const resize = (): void => box.style.setProperty("--ag-height", `${model.get("height")}px`);
    resize();
    root.shadow.append(box);
    this.#listen(resize);
    this.#leave.push(() => root.close());

    this.#narrow.offer(first.types);
    this.#active = `row-${first.root.node}`;
    this.#redraw();
    this.#footer.sayRead(first, this.#tree);
    this.#whenSized(() => {
      this.#camera.fit(this.#layout.bounds, 0.7);
      if (model.get("selected") !== null) this.#showSelected();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    this.#search.close();
    this.#details.close();
    this.#camera.close();
    this.#requests.close();
    for (const leave of this.#leave.splice(0)) leave();
  }

  // ------------------------------------------------------------------ drawing

  #redraw(): void {
    if (this.#closed) return;
    const anchor = this.#layout.byKey.get(this.#active);
    this.#layout = layOut(this.#tree.items());
    this.#footer.follow(this.#tree);
    const now = this.#layout.byKey.get(this.#active);
    if (now === undefined) {
      this.#active = anchor?.above?.item.key ?? "";
      if (!this.#layout.byKey.has(this.#active)) this.#active = this.#layout.boxes[0]?.item.key ?? "";
    } else if (anchor !== undefined) {
      // What one works at stays where it is, however much grows around it.
      this.#camera.x -= (now.x - anchor.x) * this.#camera.scale;
      this.#camera.y -= (now.y - anchor.y) * this.#camera.scale;
    }
    this.#near = null;
    this.#moved(true);
  }

  /** The camera has moved: the drawing follows at the next frame. */
  #moved(now = false): void {
    if (now) {
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
      this.#paint();
    } else if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#paint();
      });
    }
  }

  #paint(): void {
    const { x, y, scale } = this.#camera;
    this.#world.setAttribute("transform", `translate(${x},${y}) scale(${scale})`);
    this.#world.classList.toggle("far", scale < FAR);
    this.#world.classList.toggle("farther", scale < FARTHER);
    const sight = this.#camera.sight();
    if (this.#near === null || !contains(this.#near, sight)) {
      const wide = (sight.right - sight.left) * 0.6;
      const tall = (sight.bottom - sight.top) * 0.6;
      this.#near = {
        left: sight.left - wide, right: sight.right + wide, top: sight.top - tall, bottom: sight.bottom + tall,
      };
      this.#update();
    }
  }

  #update(): void {
    const root = this.#svg.getRootNode();
    const focused = root instanceof ShadowRoot && root.activeElement !== null && this.#svg.contains(root.activeElement);
    this.#drawing.update(this.#layout, this.#near!, { selected: this.#model.get("selected"), active: this.#active });
    if (focused) this.#drawing.element(this.#active)?.focus({ preventScroll: true });
  }

  /** Do something once there is room to draw, and keep the drawing right whenever that changes. */
  #whenSized(then: () => void): void {
    if (typeof ResizeObserver === "undefined") {
      then(); // where tests run
      return;
    }
    let begun = false;
    const observer = new ResizeObserver(() => {
      // Not in the page yet, or in a part of it that is folded.
      if (this.#svg.clientWidth === 0) return;
      this.#near = null;
      // Where there is less room now, what one works at stays in sight.
      const box = this.#layout.byKey.get(this.#active);
      if (!begun) then();
      else if (box !== undefined) this.#camera.reveal(extent(box));
      begun = true;
      this.#moved();
    });
    observer.observe(this.#svg);
    this.#leave.push(() => observer.disconnect());
  }

  #say(text: string): void {
    this.#footer.say(text);
  }

  // ------------------------------------------------------------------- hands

  #listen(resize: () => void): void {
    const on = (event: string, callback: () => void): void => {
      this.#model.on(event, callback);
      this.#leave.push(() => this.#model.off(event, callback));
    };
    on("change:first_page", () => void this.#began());
    on("change:selected", () => this.#showSelected());
    on("change:height", resize);
    this.#svg.addEventListener("click", (event) => {
      const key = keyOf(event.target);
      if (this.#camera.dragged || key === null) return;
      const item = this.#layout.byKey.get(key)?.item;
      if (item === undefined) return;
      this.#activate(key, { reveal: false });
      const onToggle = (event.target as Element).closest(".toggle") !== null;
      if (onToggle) this.#toggle(item);
      else this.#choose(item);
      // The second half of a double click, unless its first half hit something else.
      if (event.detail === 2 && !onToggle && this.#clicked === key && item.kind === "row") this.#toggle(item);
      this.#clicked = onToggle ? "" : key;
    });
    this.#svg.addEventListener("focusin", (event) => {
      const key = keyOf(event.target);
      // A click must end where it began, so nothing moves between its halves.
      if (key !== null && key !== this.#active) this.#activate(key, { reveal: !this.#camera.pressed });
    });
    this.#leave.push(onKeys(this.#svg, {
      ArrowDown: () => this.#step(1),
      ArrowUp: () => this.#step(-1),
      ArrowRight: () => this.#inward(),
      ArrowLeft: () => this.#outward(),
      Home: () => this.#activate(this.#layout.boxes[0]?.item.key),
      End: () => this.#activate(flatten(this.#tree.items()).at(-1)?.key),
      Enter: () => this.#choose(this.#item()),
      " ": () => this.#toggle(this.#item()),
      "+": () => (this.#camera.zoomBy(1.3), true),
      "=": () => (this.#camera.zoomBy(1.3), true),
      "-": () => (this.#camera.zoomBy(1 / 1.3), true),
      "0": () => (this.#camera.fit(this.#layout.bounds), true),
      "/": () => (this.#search.input.focus(), true),
      r: () => (void this.#refresh(), true),
    }));
  }

  #item(): Item | undefined {
    return this.#layout.byKey.get(this.#active)?.item;
  }

  /** Move the keyboard to an item, and the camera so that it is in sight. */
  #activate(key: string | undefined, { reveal = true } = {}): boolean {
    const box = key === undefined ? undefined : this.#layout.byKey.get(key);
    if (key === undefined || box === undefined) return false;
    this.#active = key;
    this.#near = null;
    if (reveal) this.#camera.reveal(extent(box));
    this.#moved(true);
    this.#drawing.element(key)?.focus({ preventScroll: true });
    return true;
  }

  /** Open a row, and move so that what hangs below it is in sight. */
  async #open(node: number): Promise<void> {
    if (!this.#tree.hasChildren(node)) return;
    await this.#loader.open(node);
    const box = this.#layout.byKey.get(`row-${node}`);
    const below = box?.item.children.flatMap((item) => this.#layout.byKey.get(item.key) ?? []) ?? [];
    if (box === undefined || below.length === 0) return;
    // Of a tall fan as much as fits around the row itself.
    const reach = this.#camera.size().height / this.#camera.scale / 2 - 2 * BOX_HEIGHT;
    this.#camera.reveal({
      left: box.x,
      right: Math.max(...below.map((each) => each.x + each.width + toggleWidth(each.item))),
      top: Math.max(Math.min(box.y, below[0]!.y), box.y - reach),
      bottom: Math.min(Math.max(box.y + BOX_HEIGHT, extent(below.at(-1)!).bottom), box.y + BOX_HEIGHT + reach),
    });
  }

  #step(by: number): boolean {
    const order = flatten(this.#tree.items());
    const at = order.findIndex((item) => item.key === this.#active);
    return this.#activate(order[at + by]?.key) || true;
  }

  #inward(): boolean {
    const item = this.#item();
    if (item === undefined || item.kind !== "row") return true;
    if (item.open) this.#activate(item.children[0]?.key);
    else void this.#open(item.row.node);
    return true;
  }

  #outward(): boolean {
    const box = this.#layout.byKey.get(this.#active);
    if (box === undefined) return true;
    if (box.item.kind === "row" && box.item.open) this.#loader.fold(box.item.row.node);
    else this.#activate(box.above?.item.key);
    return true;
  }

  #toggle(item: Item | undefined): boolean {
    if (item === undefined || item.kind !== "row") return this.#choose(item);
    if (item.open) this.#loader.fold(item.row.node);
    else void this.#open(item.row.node);
    return true;
  }

  #choose(item: Item | undefined): boolean {
    if (item === undefined || item.kind === "loading") return true;
    if (item.kind !== "row") {
      void this.#more(item.row.node);
      return true;
    }
    const { node } = item.row;
    const selected = node === SCOPE ? null : node;
    this.#model.set("selected", selected);
    this.#requests.set("selected", selected);
    this.#showSelected();
    if (node === SCOPE) void this.#details.show(item.row);
    return true;
  }

  /** Load the next rows: the first of them comes where "+n more" stood. */
  async #more(node: number): Promise<void> {
    const branch = this.#tree.branch(node);
    const before = branch.rows.length;
    await this.#loader.more(node);
    const first = this.#layout.byKey.get(`row-${branch.rows[before]}`);
    if (first === undefined) return;
    const stood = this.#layout.byKey.get(this.#active);
    if (stood !== undefined) this.#camera.moveBy(0, (stood.y - first.y) * this.#camera.scale);
    this.#activate(first.item.key);
  }

  #shownNode: number | null = null;

  #showSelected(): void {
    const selected = this.#model.get("selected");
    this.#near = null;
    this.#moved(true);
    if (selected === this.#shownNode && this.#details.element.childElementCount > 0) return;
    this.#shownNode = selected;
    const row = selected === null ? null : this.#tree.rows.get(selected) ?? null;
    if (row === null && selected !== null) void this.#jump(selected); // chosen in Python
    else void this.#details.show(row);
  }

  async #jump(node: number): Promise<void> {
    try {
      if (!this.#layout.byKey.has(`row-${node}`)) await this.#loader.reach(node);
      this.#shownNode = null;
      if (this.#activate(`row-${node}`)) this.#choose(this.#item());
    } catch (error) {
      this.#say(said(error));
    }
  }

  // ------------------------------------------------------------------ reading

  /** The chosen node was changed, or is there no more. */
  async #changed(node: number | null): Promise<void> {
    this.#model.set("selected", node);
    this.#requests.set("selected", node);
    await this.#refresh();
    this.#shownNode = null;
    this.#showSelected();
  }

  async #refresh(): Promise<void> {
    this.#say("Reading…");
    try {
      await this.#requests.ask("refresh");
    } catch (error) {
      this.#say(said(error));
    }
  }

  /** Python has read the first page anew. */
  async #began(): Promise<void> {
    const first = this.#model.get("first_page") as FirstPage;
    if (first.root === undefined) return;
    this.#narrow.offer(first.types);
    this.#tree.rows.set(first.root.node, first.root);
    await this.#reload();
    this.#footer.sayRead(first, this.#tree);
  }

  async #reload(): Promise<void> {
    await this.#loader.reload();
    const selected = this.#model.get("selected");
    try {
      if (selected !== null && !this.#layout.byKey.has(`row-${selected}`)) await this.#loader.reach(selected);
    } catch {
      // It is gone, which its details tell.
    }
    this.#shownNode = null;
    this.#showSelected();
  }
}
