/** How wide each column is: as wide as what it holds, or as somebody has chosen. */

import { widthFor, type Measure } from "./format";
import type { Column } from "./protocol";

const NARROWEST = 48;
/** Pixels beside a cell's text. */
const PADDING = 20;

export class Widths {
  readonly #element: HTMLElement;
  readonly #widths = new Map<number, number>();
  /** Columns that have the width of their cells. */
  readonly #fitted = new Set<number>();
  /** Columns whose width somebody has chosen. */
  readonly #chosen = new Set<number>();
  #measure: Measure | null = null;

  /** @param element what has the font of the cells */
  constructor(element: HTMLElement) {
    this.#element = element;
  }

  /** A column's width. */
  get(number: number): number {
    return this.#widths.get(number) ?? 100;
  }

  /** Give columns without a width one that suits their headers. */
  begin(columns: readonly Column[]): void {
    columns.forEach((column, i) => {
      if (!this.#widths.has(i)) this.#widths.set(i, widthFor(column, [], this.#measured()));
    });
  }

  /** Give a column the room that its cells need. */
  fit(number: number, column: Column, texts: readonly string[]): void {
    if (this.#chosen.has(number)) return;
    const needed = widthFor(column, texts, this.#measured());
    // A number that is cut is another number.
    if (!this.#fitted.has(number) || (column.align === "right" && needed > this.get(number))) {
      this.#widths.set(number, needed);
    }
    if (texts.length > 0) this.#fitted.add(number);
  }

  /** Set a column's width. */
  choose(number: number, width: number): void {
    this.#chosen.add(number);
    this.#widths.set(number, Math.max(NARROWEST, Math.round(width)));
  }

  /** Set a column's width to that of some texts. */
  chooseFor(number: number, column: Column, texts: readonly string[]): void {
    this.choose(number, widthFor(column, texts, this.#measured()));
  }

  /** A text, or signs that it does not fit, where its beginning would be another number. */
  fitting(text: string, number: number, column: Column): string {
    const room = this.get(number) - PADDING;
    if (column.align !== "right" || text.length * 8.4 <= room) return text;
    return this.#measured()(text, "cell") <= room + 1 ? text : "###";
  }

  #measured(): Measure {
    if (this.#measure) return this.#measure;
    // Before it is in the page nobody knows its font.
    if (!this.#element.isConnected) return (text) => text.length * 8.6;
    const context = document.createElement("canvas").getContext("2d");
    const family = getComputedStyle(this.#element).fontFamily || "sans-serif";
    const fonts = { cell: `13px ${family}`, name: `600 13px ${family}`, small: `11px ${family}` };
    this.#measure = (text, font) => {
      if (context === null) return text.length * 8;
      context.font = fonts[font];
      return context.measureText(text).width;
    };
    return this.#measure;
  }
}
