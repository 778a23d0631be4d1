/**
 * Waits for Python to speak again.
 *
 * A cell that computes, or one that awaits under ipykernel 6, keeps all messages
 * waiting for as long as it takes. Whoever met with silence asks something cheap and
 * leaves that question open; once it is answered, all others will be.
 */

import { RequestError, type Ask } from "./requests";

/** Milliseconds that an answer is waited for: a cell may compute all day. */
const PATIENCE = 86_400_000;

export class Silence {
  readonly #ask: Ask;
  readonly #method: string;
  #open: AbortController | null = null;

  /** @param method what to ask; it takes nothing and costs little */
  constructor(ask: Ask, method: string) {
    this.#ask = ask;
    this.#method = method;
  }

  /** Call a function when the silence is over, and not those of earlier calls. */
  async over(then: () => void): Promise<void> {
    this.close();
    const mine = new AbortController();
    this.#open = mine;
    try {
      await this.#ask(this.#method, {}, { signal: mine.signal, timeout: PATIENCE });
    } catch (error) {
      // Python's own no is an answer, too; else the page has outlived its kernel, or its view.
      if (!(error instanceof RequestError && error.reason === "failed")) return;
    }
    if (!mine.signal.aborted) then();
  }

  /** Wait no longer. */
  close(): void {
    this.#open?.abort();
  }
}
