/** What rows are sorted and filtered by, each with a button that takes it away. */

import { html } from "../shared/dom";
import { columnName, counted, sentence } from "./format";
import type { Column, Condition, SortKey, State } from "./protocol";

/** What a chip's button asks for. */
export interface ChipEvents {
  /** Arrange rows by these alone. */
  arrange(sort: SortKey[], conditions: Condition[]): void;
  /** Show all columns again. */
  unhide(): void;
}

/** Make the chips of a state. */
export function makeChips(state: State, columns: readonly Column[], events: ChipEvents): HTMLElement[] {
  const { sort, conditions, hidden } = state;
  const name = (number: number): string => columnName(columns, number);
  const chips = sort.map((key) => makeChip(
    `${key.descending ? "▼" : "▲"} ${name(key.column)}`, `order by ${name(key.column)}`,
    () => events.arrange(sort.filter((each) => each !== key), conditions),
  ));
  chips.push(...conditions.map((condition) => {
    const column = columns[condition.column];
    const text = column ? sentence(condition, column) : name(condition.column);
    return makeChip(text, text,
      () => events.arrange(sort, conditions.filter((each) => each !== condition)));
  }));
  if (hidden.length > 0) {
    const text = `${counted(hidden.length, "column")} hidden`;
    chips.push(makeChip(text, text, events.unhide));
  }
  return chips;
}

function makeChip(text: string, name: string, remove: () => void): HTMLElement {
  const button = html("button", { type: "button", "aria-label": `Remove: ${name}`, title: "Remove" }, "×");
  button.addEventListener("click", remove);
  return html("span", { class: "chip" }, html("span", {}, text), button);
}
