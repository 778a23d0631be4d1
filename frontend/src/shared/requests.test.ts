import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestError, Requests } from "./requests";

/** Stands where a widget's comm is: keeps what was sent, and speaks for Python. */
class Wire {
  sent: Record<string, unknown>[] = [];
  listeners = new Set<(message: unknown) => void>();
  broken = false;

  send(content: unknown): void {
    if (this.broken) throw new Error("comm is closed");
    this.sent.push(content as Record<string, unknown>);
  }
  on(_: "msg:custom", callback: (message: unknown) => void): void {
    this.listeners.add(callback);
  }
  off(_: "msg:custom", callback: (message: unknown) => void): void {
    this.listeners.delete(callback);
  }
  reply(to: Record<string, unknown>, rest: object): void {
    for (const listener of this.listeners) {
      listener({ kind: "reply", view: to["view"], number: to["number"], ...rest });
    }
  }
}

let wire: Wire;
beforeEach(() => {
  vi.useFakeTimers();
  wire = new Wire();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Requests", () => {
  it("matches answers to questions by number, in any order", async () => {
    const requests = new Requests(wire);
    const first = requests.ask("double", { n: 1 });
    const second = requests.ask("double", { n: 2 });
    wire.reply(wire.sent[1]!, { result: 4 });
    wire.reply(wire.sent[0]!, { result: 2 });
    expect(await Promise.all([first, second])).toEqual([2, 4]);
    expect(wire.sent.map((each) => "id" in each)).toEqual([false, false]);
  });

  it("leaves the other view's answers alone", async () => {
    const one = new Requests(wire);
    const other = new Requests(wire);
    const mine = one.ask("who");
    const its = other.ask("who");
    wire.reply(wire.sent[1]!, { result: "other" });
    wire.reply(wire.sent[0]!, { result: "one" });
    expect([await mine, await its]).toEqual(["one", "other"]);
  });

  it("gives a trait a value by a message, and bears that nobody is there", () => {
    const requests = new Requests(wire);
    requests.set("selected", 7);
    expect(wire.sent).toMatchObject([{ kind: "set", name: "selected", value: 7 }]);
    wire.broken = true;
    requests.set("selected", 8);
  });

  it("hands Python's words on when it fails", async () => {
    const asked = new Requests(wire).ask("page");
    wire.reply(wire.sent[0]!, { error: "The database is locked." });
    await expect(asked).rejects.toThrow("The database is locked.");
  });

  it("gives up on a silent kernel, tells it so, and ignores a late answer", async () => {
    const asked = new Requests(wire, 1000).ask("page");
    const failure = asked.catch((error: unknown) => error);
    vi.advanceTimersByTime(1000);
    expect(await failure).toMatchObject({ reason: "silent" });
    expect(wire.sent[1]).toMatchObject({ kind: "cancel", number: wire.sent[0]!["number"] });
    wire.reply(wire.sent[0]!, { result: "late" });
  });

  it("cancels a question that nobody wants any more", async () => {
    const abort = new AbortController();
    const asked = new Requests(wire).ask("search", {}, { signal: abort.signal });
    abort.abort();
    await expect(asked).rejects.toMatchObject({ reason: "cancelled" });
    expect(wire.sent[1]).toMatchObject({ kind: "cancel" });
  });

  it("explains a comm that is closed", async () => {
    const requests = new Requests(wire);
    wire.broken = true;
    await expect(requests.ask("page")).rejects.toMatchObject({ reason: "silent" });
  });

  it("leaves no listener and no question behind when it closes", async () => {
    const requests = new Requests(wire);
    const asked = requests.ask("page").catch((error: unknown) => error);
    requests.close();
    requests.close();
    expect(await asked).toBeInstanceOf(RequestError);
    expect(wire.listeners.size).toBe(0);
    expect(wire.sent.map((each) => each["kind"])).toEqual(["request", "close"]);
    await expect(requests.ask("page")).rejects.toMatchObject({ reason: "cancelled" });
    expect(vi.getTimerCount()).toBe(0);
  });
});
