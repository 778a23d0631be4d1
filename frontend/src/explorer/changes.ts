/** Buttons that change the chosen node: to the trash, deleted, locked. Each asks first. */

import { html } from "../shared/dom";
import type { Ask } from "../shared/requests";
import { said } from "./details";
import { nameText } from "./tree";
import type { Row } from "./types";

export interface ChangesOptions {
  ask: Ask;
  /** Something has changed: the node, or with `null` that it is there no more. */
  changed(node: number | null): Promise<void>;
  say(text: string): void;
  /** Why nothing can be changed here; then nothing is offered. */
  refusal: string | null;
  /** Show how to take the last change back. */
  offer(undo: HTMLElement): void;
}

/** What a change is called, asked, and then told. */
interface Change {
  method: string;
  name: string;
  /** Asks about the node, which is named with what is below it. */
  question(whole: string): string;
  done: string;
  leaves: boolean;
}

/** The buttons below what is told of a node. */
export function changeButtons(row: Row, locked: boolean, options: ChangesOptions): HTMLElement {
  const name = row.label ?? nameText(row);
  const changes: Change[] = [
    { method: "trash", name: "Move to trash", question: (whole) => `Move ${whole} to the trash?`,
      done: "Moved to the trash.", leaves: true },
    { method: "delete", name: "Delete for good", question: (whole) => `Delete ${whole} for good? It cannot be undone.`,
      done: "Deleted.", leaves: true },
    locked
      ? { method: "unlock", name: "Unlock", question: (whole) => `Unlock ${whole}?`, done: "Unlocked.", leaves: false }
      : { method: "lock", name: "Lock", question: (whole) => `Lock ${whole}? Nobody changes it then.`, done: "Locked.",
          leaves: false },
  ];
  const place = html("div", { class: "changes" });
  const buttons = changes.map((change) => {
    const { refusal } = options;
    const button = html("button", { type: "button", title: refusal, disabled: refusal !== null }, change.name);
    button.addEventListener("click", () => confirm(change));
    return button;
  });
  const rest = (): void => place.replaceChildren(...buttons);

  function confirm(change: Change): void {
    const yes = html("button", { type: "button" }, change.name);
    const no = html("button", { type: "button" }, "Cancel");
    no.addEventListener("click", () => {
      rest();
      buttons[changes.indexOf(change)]?.focus();
    });
    yes.addEventListener("click", () => void act(change, [yes, no]));
    const question = html("p", { role: "alert" });
    const ask = (below: string): void => {
      question.textContent = change.question(row.count > 0 ? `${name} and ${below} below it` : name);
    };
    ask("all");
    place.replaceChildren(question, yes, no);
    no.focus();
    // A row knows how many hang on it, and not how many hang on those. Without a count, all are meant.
    if (row.count > 0) {
      void options.ask<{ rows: number }>("below", { node: row.node }).then(
        ({ rows }) => { if (rows > 0) ask(`the ${rows.toLocaleString("en")}`); }, () => undefined);
    }
  }

  async function act(change: Change, both: HTMLButtonElement[]): Promise<void> {
    for (const button of both) button.disabled = true; // a second click changes nothing
    try {
      await options.ask(change.method, { node: row.node });
      if (change.method === "trash") options.offer(undoLine(row, name, options));
      await options.changed(change.leaves ? null : row.node);
      options.say(change.done);
    } catch (error) {
      place.replaceChildren(html("p", { class: "warning", role: "alert" }, said(error)), ...buttons);
    }
  }

  rest();
  return place;
}

function undoLine(row: Row, name: string, options: ChangesOptions): HTMLElement {
  const undo = html("button", { type: "button" }, "Undo");
  const line = html("p", { class: "undo", role: "status" }, `${name} is in the trash. `, undo);
  undo.addEventListener("click", () => {
    undo.disabled = true;
    void options.ask("restore", { node: row.node }).then(
      async () => {
        line.remove();
        await options.changed(row.node);
        options.say("Restored.");
      },
      (error: unknown) => {
        undo.disabled = false;
        line.append(html("span", { class: "warning", role: "alert" }, ` ${said(error)}`));
      },
    );
  });
  return line;
}
