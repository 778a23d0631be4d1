/** Panning and zooming: which part of the drawing is in sight, and how large. */

import type { Bounds } from "./layout";

/** All of some thousands of siblings fits, as a silhouette. */
const SMALLEST = 0.008;
const LARGEST = 2.5;
/** A pointer that moves less has clicked. */
const CLICK = 4;

/** What the camera moves, and whom it tells. */
export interface Stage {
  element: SVGSVGElement;
  moved(): void;
}

export class Camera {
  x = 0;
  y = 0;
  scale = 1;
  readonly #stage: Stage;
  readonly #leave: (() => void)[] = [];
  #dragged = false;
  readonly #pointers = new Map<number, { x: number; y: number }>();

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#listen();
  }

  /** Whether the pointer has just dragged, so that its release is no click. */
  get dragged(): boolean {
    return this.#dragged;
  }

  /** Whether a pointer is down. */
  get pressed(): boolean {
    return this.#pointers.size > 0;
  }

  size(): { width: number; height: number } {
    const { clientWidth, clientHeight } = this.#stage.element;
    // Before it is laid out, and where tests run.
    return { width: clientWidth || 800, height: clientHeight || 480 };
  }

  /** The part of the drawing that is in sight. */
  sight(): Bounds {
    const { width, height } = this.size();
    const left = -this.x / this.scale;
    const top = -this.y / this.scale;
    return { left, top, right: left + width / this.scale, bottom: top + height / this.scale };
  }

  moveBy(dx: number, dy: number): void {
    this.x += dx;
    this.y += dy;
    this.#stage.moved();
  }

  /** Zoom, while a point of the screen stays where it is: the middle, unless given. */
  zoomBy(factor: number, atX?: number, atY?: number): void {
    const { width, height } = this.size();
    const x = atX ?? width / 2;
    const y = atY ?? height / 2;
    const scale = Math.min(Math.max(this.scale * factor, SMALLEST), LARGEST);
    this.x = x - ((x - this.x) / this.scale) * scale;
    this.y = y - ((y - this.y) / this.scale) * scale;
    this.scale = scale;
    this.#stage.moved();
  }

  /** Show all of some bounds, if a scale of at least `least` can. */
  fit(bounds: Bounds, least = SMALLEST): void {
    const { width, height } = this.size();
    const margin = 24;
    const wide = bounds.right - bounds.left;
    const tall = bounds.bottom - bounds.top;
    const whole = Math.min((width - 2 * margin) / wide, (height - 2 * margin) / tall, 1);
    this.scale = Math.max(whole, least, SMALLEST);
    // What is too wide begins at its root, what is too tall with its first rows.
    this.x = Math.max((width - wide * this.scale) / 2, margin) - bounds.left * this.scale;
    this.x = Math.min(this.x, margin - bounds.left * this.scale);
    const spare = height - tall * this.scale;
    this.y = (spare > 2 * margin ? spare / 2 : margin) - bounds.top * this.scale;
    this.#stage.moved();
  }

  /** Move no further than needed for some bounds to be in sight. */
  reveal(bounds: Bounds, margin = 30): void {
    const { width, height } = this.size();
    const left = bounds.left * this.scale + this.x;
    const right = bounds.right * this.scale + this.x;
    const top = bounds.top * this.scale + this.y;
    const bottom = bounds.bottom * this.scale + this.y;
    let dx = 0;
    let dy = 0;
    if (right > width - margin) dx = width - margin - right;
    if (left + dx < margin) dx = margin - left;
    if (bottom > height - margin) dy = height - margin - bottom;
    if (top + dy < margin) dy = margin - top;
    if (dx !== 0 || dy !== 0) this.moveBy(dx, dy);
  }

  close(): void {
    for (const leave of this.#leave.splice(0)) leave();
  }

  #listen(): void {
    const { element } = this.#stage;
    const on = <K extends keyof SVGSVGElementEventMap>(
      type: K, handle: (event: SVGSVGElementEventMap[K]) => void, options?: AddEventListenerOptions,
    ): void => {
      element.addEventListener(type, handle as EventListener, options);
      this.#leave.push(() => element.removeEventListener(type, handle as EventListener, options));
    };
    const pointers = this.#pointers;
    let start = { x: 0, y: 0 };
    on("pointerdown", (event) => {
      if (event.button !== 0) return;
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      start = { x: event.clientX, y: event.clientY };
      this.#dragged = false;
    });
    on("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (before === undefined) return;
      const now = { x: event.clientX, y: event.clientY };
      if (!this.#dragged && Math.hypot(now.x - start.x, now.y - start.y) < CLICK) return;
      if (!this.#dragged) {
        this.#dragged = true;
        element.setPointerCapture(event.pointerId);
        element.classList.add("dragging");
      }
      const others = [...pointers].filter(([id]) => id !== event.pointerId);
      const other = others[0]?.[1];
      pointers.set(event.pointerId, now);
      if (other === undefined) {
        this.moveBy(now.x - before.x, now.y - before.y);
        return;
      }
      // Two fingers: they stay on what they have touched.
      const box = element.getBoundingClientRect();
      const ratio = Math.hypot(now.x - other.x, now.y - other.y)
        / Math.max(Math.hypot(before.x - other.x, before.y - other.y), 1);
      this.zoomBy(ratio, other.x - box.left, other.y - box.top);
    });
    const release = (event: PointerEvent): void => {
      pointers.delete(event.pointerId);
      element.classList.remove("dragging");
    };
    on("pointerup", release);
    on("pointercancel", release);
    on("wheel", (event) => {
      const zooms = event.ctrlKey || event.metaKey;
      // A page scrolls over a widget that nobody works in.
      const root = element.getRootNode();
      const isFocused = root instanceof ShadowRoot && root.activeElement !== null;
      if (!zooms && !isFocused) return;
      event.preventDefault();
      const unit = event.deltaMode === 1 ? 16 : 1;
      if (zooms) {
        const box = element.getBoundingClientRect();
        const factor = Math.exp(-event.deltaY * unit * 0.004);
        this.zoomBy(factor, event.clientX - box.left, event.clientY - box.top);
      } else {
        const sideways = event.shiftKey ? event.deltaY : event.deltaX;
        this.moveBy(-sideways * unit, event.shiftKey ? 0 : -event.deltaY * unit);
      }
    }, { passive: false });
  }
}
