/**
 * From where a scroll bar stands to what is in sight, for content of any height.
 *
 * Browsers clip elements beyond some ten million pixels. Taller content is given a
 * shorter element: the scroll bar then moves by proportion, a wheel or a finger
 * still by as much as it says.
 */

/** Pixels that an element is tall, at most. */
export const TALLEST = 8_000_000;

/** Where the content stands, and where the element's own scroll bar. */
export interface Scroll {
  /** Pixels of the content above what is in sight. */
  readonly top: number;
  /** The element's `scrollTop`. */
  readonly at: number;
}

/** The height that the element is given. */
export function elementHeight(content: number): number {
  return Math.min(content, TALLEST);
}

/** Where things stand after the element was scrolled; put its scroll bar to `at`. */
export function scrolled(from: Scroll, at: number, content: number, view: number): Scroll {
  const { most, mostAt } = ends(content, view);
  if (most === mostAt) return { top: clamp(at, most), at };
  const step = at - from.at;
  if (step === 0) return from;
  if (Math.abs(step) >= view) return { top: clamp((at / mostAt) * most, most), at };
  // A bar that has come to its end reports less than the wheel has asked for.
  const stopped = at <= 0 ? -view / 2 : at >= mostAt - 1 ? view / 2 : 0;
  const top = clamp(from.top + (Math.abs(step) < Math.abs(stopped) ? stopped : step), most);
  // Small steps do not keep the proportion. Near an end the bar must not stop
  // before the content does.
  const near = at < view || at > mostAt - view;
  return { top, at: near ? barFor(top, content, view) : at };
}

/** Where the content is put on purpose. */
export function scrollTo(top: number, content: number, view: number): Scroll {
  const { most } = ends(content, view);
  const at = clamp(top, most);
  return { top: at, at: barFor(at, content, view) };
}

/** The scroll bar's place for the content's. */
export function barFor(top: number, content: number, view: number): number {
  const { most, mostAt } = ends(content, view);
  return most === mostAt ? top : Math.round((top / most) * mostAt);
}

function ends(content: number, view: number): { most: number; mostAt: number } {
  return {
    most: Math.max(0, content - view),
    mostAt: Math.max(0, elementHeight(content) - view),
  };
}

export function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}
