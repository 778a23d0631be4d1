import { describe, expect, it, vi } from "vitest";
import { RequestError, type Ask, type AskOptions } from "./requests";
import { Silence } from "./silence";

interface Question {
  method: string;
  signal: AbortSignal;
  answer(result: unknown): void;
  fail(error: Error): void;
}

function setUp(): { silence: Silence; asked: Question[] } {
  const asked: Question[] = [];
  const ask: Ask = <T>(method: string, _: object = {}, options: AskOptions = {}) =>
    new Promise<T>((resolve, reject) => {
      const signal = options.signal!;
      signal.addEventListener("abort", () => reject(new RequestError("Cancelled.", "cancelled")));
      asked.push({ method, signal, answer: resolve as (result: unknown) => void, fail: reject });
    });
  return { silence: new Silence(ask, "open"), asked };
}

describe("silence", () => {
  it("is over with the first answer, and with an error of Python's", async () => {
    const { silence, asked } = setUp();
    const then = vi.fn();
    const answered = silence.over(then);
    expect([asked[0]!.method, then.mock.calls.length]).toEqual(["open", 0]);
    asked[0]!.answer({});
    await answered;
    const failed = silence.over(then);
    asked[1]!.fail(new RequestError("The store is down.", "failed"));
    await failed;
    expect(then).toHaveBeenCalledTimes(2);
  });

  it("is not over where no answer can come", async () => {
    const { silence, asked } = setUp();
    const then = vi.fn();
    const waiting = silence.over(then);
    asked[0]!.fail(new RequestError("Python has not answered.", "silent"));
    await waiting;
    expect(then).not.toHaveBeenCalled();
  });

  it("leaves one question open at a time, and none when it closes", async () => {
    const { silence, asked } = setUp();
    const [earlier, later] = [vi.fn(), vi.fn()];
    const both = Promise.all([silence.over(earlier), silence.over(later)]);
    expect(asked.map((each) => each.signal.aborted)).toEqual([true, false]);
    silence.close();
    await both;
    expect([earlier, later].map((each) => each.mock.calls.length)).toEqual([0, 0]);
  });
});
