import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestError, type Ask, type AskOptions } from "../shared/requests";
import { CellStore } from "./cells";
import type { State } from "./protocol";
import { askJob, Reader, type ReaderEvents } from "./reader";

interface Question {
  method: string;
  params: Record<string, unknown>;
  signal: AbortSignal;
  answer(result: unknown): void;
  fail(error: Error): void;
}

const STATE: State = { revision: 0, rows: 10_000, complete: true, sort: [], conditions: [], hidden: [] };

let asked: Question[];
let events: { [name in keyof ReaderEvents]: ReturnType<typeof vi.fn> };
let cells: CellStore;
let reader: Reader;

const ask: Ask = <T>(method: string, params: object = {}, options: AskOptions = {}) =>
  new Promise<T>((resolve, reject) => {
    const signal = options.signal ?? new AbortController().signal;
    signal.addEventListener("abort", () => reject(new RequestError("Cancelled.", "cancelled")));
    asked.push({
      method, params: params as Record<string, unknown>, signal,
      answer: resolve as (result: unknown) => void, fail: reject,
    });
  });

const page = (question: Question): object => {
  const [start, stop] = [question.params["start"] as number, question.params["stop"] as number];
  const rows = Array.from({ length: stop - start }, (_, i) => String(start + i));
  const columns = question.params["columns"] as number[];
  return { texts: columns.map(() => rows), marks: columns.map(() => ""), numbers: rows.map(Number) };
};

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  events = { cells: vi.fn(), summary: vi.fn(), state: vi.fn(), problem: vi.fn() };
  cells = new CellStore();
  reader = new Reader(ask, cells, events as unknown as ReaderEvents);
});
afterEach(() => {
  reader.close();
  vi.useRealTimers();
});

describe("windows", () => {
  it("bring some rows around, and what is kept is not asked for again", async () => {
    reader.want({ start: 100, stop: 120 }, [0, 1], STATE);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked[0]!.params).toMatchObject({ start: 40, stop: 180, columns: [0, 1] });
    asked[0]!.answer(page(asked[0]!));
    await vi.advanceTimersByTimeAsync(0);
    expect(events.cells).toHaveBeenCalledWith([0, 1]);
    reader.want({ start: 90, stop: 150 }, [0, 1], STATE);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toHaveLength(1);
  });

  it("bring no neighbours of rows that are sorted", async () => {
    reader.want({ start: 100, stop: 120 }, [0], { ...STATE, sort: [{ column: 0, descending: false }] });
    await vi.advanceTimersByTimeAsync(200);
    expect(asked[0]!.params).toMatchObject({ start: 100, stop: 120 });
  });

  it("that are scrolled past are cancelled, and never shown", async () => {
    reader.want({ start: 0, stop: 20 }, [0], STATE);
    await vi.advanceTimersByTimeAsync(200);
    for (let row = 1000; row < 5000; row += 100) {
      reader.want({ start: row, stop: row + 20 }, [0], STATE);
      await vi.advanceTimersByTimeAsync(5);
    }
    await vi.advanceTimersByTimeAsync(200);
    // The first, and the one where scrolling came to rest.
    expect(asked).toHaveLength(2);
    expect(asked[0]!.signal.aborted).toBe(true);
    asked[1]!.answer(page(asked[1]!));
    await vi.advanceTimersByTimeAsync(0);
    expect(cells.get(4900, 0)).toBeDefined();
    expect(events.problem).not.toHaveBeenCalledWith(expect.any(RequestError));
  });

  it("of rows that are others by now tell how things are", async () => {
    reader.want({ start: 0, stop: 20 }, [0], STATE);
    await vi.advanceTimersByTimeAsync(200);
    asked[0]!.answer({ state: { ...STATE, revision: 7 } });
    await vi.advanceTimersByTimeAsync(0);
    expect(events.state).toHaveBeenCalledWith({ ...STATE, revision: 7 });
  });

  it("of rows that are not shown any more are never kept", async () => {
    reader.want({ start: 0, stop: 20 }, [0], STATE);
    await vi.advanceTimersByTimeAsync(200);
    reader.forget();
    asked[0]!.answer(page(asked[0]!));
    await vi.advanceTimersByTimeAsync(0);
    expect(cells.get(0, 0)).toBeUndefined();
    expect(events.cells).not.toHaveBeenCalled();
    expect(reader.busy).toBe(false);
  });

  it("that fail are told, and asked for again by whoever looks again", async () => {
    reader.want({ start: 0, stop: 20 }, [0], STATE);
    await vi.advanceTimersByTimeAsync(200);
    const error = new RequestError("The store is down.", "failed");
    asked[0]!.fail(error);
    await vi.advanceTimersByTimeAsync(0);
    expect(events.problem).toHaveBeenLastCalledWith(error);
    reader.want({ start: 0, stop: 20 }, [0], STATE);
    await vi.advanceTimersByTimeAsync(200);
    asked[1]!.answer(page(asked[1]!));
    await vi.advanceTimersByTimeAsync(0);
    expect(events.problem).toHaveBeenLastCalledWith(null);
  });
});

describe("summaries", () => {
  it("come two at a time, and those out of sight are cancelled", async () => {
    reader.summarize([0, 1, 2]);
    expect(asked.map((each) => each.params["column"])).toEqual([0, 1]);
    asked[0]!.answer({ result: { rows: 1 } });
    await vi.advanceTimersByTimeAsync(0);
    expect(events.summary).toHaveBeenCalledWith(0, { rows: 1 });
    expect(asked.map((each) => each.params["column"])).toEqual([0, 1, 2]);
    reader.summarize([8]);
    expect(asked[1]!.signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(0);
    reader.summarize([8]);
    expect(asked[asked.length - 1]!.params["column"]).toBe(8);
  });

  it("that met with silence are asked for again by whoever looks again", async () => {
    reader.summarize([0]);
    asked[0]!.fail(new RequestError("Python has not answered.", "silent"));
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(1);
    reader.summarize([0]);
    expect(asked[1]!.params["column"]).toBe(0);
  });

  it("that failed are not", async () => {
    reader.summarize([0]);
    asked[0]!.fail(new RequestError("The store is down.", "failed"));
    await vi.advanceTimersByTimeAsync(0);
    reader.summarize([0]);
    expect(asked).toHaveLength(1);
  });

  it("wait for the cells", () => {
    reader.want({ start: 0, stop: 20 }, [0], STATE);
    reader.summarize([0]);
    expect(asked).toHaveLength(0);
  });
});

describe("long work", () => {
  it("is asked about until it is done", async () => {
    const progress = vi.fn();
    const done = askJob(ask, "arrange", { sort: [] }, new AbortController().signal, progress);
    asked[0]!.answer({ job: 5, done: 1, total: 4 });
    await vi.advanceTimersByTimeAsync(0);
    expect(progress).toHaveBeenCalledWith(1, 4);
    expect(asked[1]!.params).toEqual({ sort: [], job: 5 });
    asked[1]!.answer({ result: "sorted" });
    expect(await done).toBe("sorted");
  });
});
