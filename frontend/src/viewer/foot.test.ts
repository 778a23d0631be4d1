import { describe, expect, it, vi } from "vitest";
import { RequestError } from "../shared/requests";
import { Foot } from "./foot";

const button = (foot: Foot): HTMLButtonElement => foot.element.querySelector(".status button")!;
const note = (foot: Foot): string => foot.element.querySelector(".note")!.textContent!;

describe("the foot", () => {
  it("tells of work, lets it be cancelled, and forgets it", () => {
    const foot = new Foot();
    const cancel = vi.fn();
    foot.work("Sorting …", cancel);
    foot.progress(0.5);
    expect(foot.element.querySelector("progress")!.value).toBe(0.5);
    button(foot).click();
    expect(cancel).toHaveBeenCalledOnce();
    foot.rest();
    expect([note(foot), button(foot).hidden]).toEqual(["", true]);
  });

  it("tells why something failed, and tries again", () => {
    const foot = new Foot();
    const retry = vi.fn();
    foot.problem(new RequestError("The store is down.", "failed"), retry);
    expect(note(foot)).toBe("The store is down.");
    button(foot).click();
    expect(retry).toHaveBeenCalledOnce();
    foot.solved();
    expect(note(foot)).toBe("");
  });

  it("tries again by itself only what it still tells of", () => {
    const foot = new Foot();
    const retry = vi.fn();
    foot.problem(new RequestError("Python has not answered.", "silent"), retry);
    foot.again(retry);
    foot.say("4 cells copied");
    foot.again(retry);
    expect(retry).toHaveBeenCalledOnce();
  });

  it("says nothing of what nobody waits for, and keeps what is no problem", () => {
    const foot = new Foot();
    foot.say("4 cells copied");
    foot.problem(new RequestError("Cancelled.", "cancelled"));
    foot.solved();
    expect(note(foot)).toBe("4 cells copied");
  });
});
