/**
 * Questions to Python, and their answers, over a widget's messages.
 *
 * A widget's messages reach all its views, so every question carries the view's own
 * key beside its number; what is not for this view is none of its business. A
 * question that is no longer of interest is cancelled in Python too.
 */

/** The part of anywidget's model that questions need. */
export interface Channel {
  send(content: unknown): void;
  on(event: "msg:custom", callback: (message: unknown) => void): void;
  off(event: "msg:custom", callback: (message: unknown) => void): void;
}

/** Why a question has no answer; its message is for people to read. */
export class RequestError extends Error {
  constructor(
    message: string,
    /** `failed`: Python said no. `silent`: nothing came. `cancelled`: nobody wants it now. */
    readonly reason: "failed" | "silent" | "cancelled",
  ) {
    super(message);
    this.name = "RequestError";
  }
}

/** What may stand around a question. */
export interface AskOptions {
  /** Cancels the question when it fires. */
  signal?: AbortSignal;
  /** Milliseconds until it counts as unanswered. */
  timeout?: number;
}

/** How a part of a widget asks, without knowing whose channel it is. */
export type Ask = <T>(method: string, params?: object, options?: AskOptions) => Promise<T>;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: RequestError): void;
  stop(): void;
}

const NO_ANSWER =
  "Python has not answered. Is the kernel running? It answers once it is free; " +
  "after a restart, run the cell again.";

/** Asks Python, for one view of a widget. */
export class Requests {
  readonly #channel: Channel;
  readonly #timeout: number;
  readonly #view = newKey();
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #closed = false;

  /**
   * @param channel the widget's model
   * @param timeout milliseconds until a question counts as unanswered
   */
  constructor(channel: Channel, timeout = 10_000) {
    this.#channel = channel;
    this.#timeout = timeout;
    channel.on("msg:custom", this.#receive);
  }

  /**
   * Ask for something.
   *
   * @param method the name that Python knows it under
   * @param params what it takes; plain values only
   * @returns the answer, unchecked: the two halves ship together
   * @throws RequestError there is none
   */
  ask<T>(method: string, params: object = {}, options: AskOptions = {}): Promise<T> {
    const number = this.#next++;
    const { signal } = options;
    return new Promise<T>((resolve, reject) => {
      const cancel = () => this.#drop(number, new RequestError("Cancelled.", "cancelled"));
      if (this.#closed || signal?.aborted) {
        reject(new RequestError("Cancelled.", "cancelled"));
        return;
      }
      const timer = setTimeout(
        () => this.#drop(number, new RequestError(NO_ANSWER, "silent")),
        options.timeout ?? this.#timeout,
      );
      signal?.addEventListener("abort", cancel);
      this.#waiting.set(number, {
        resolve: resolve as (result: unknown) => void,
        reject,
        stop: () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", cancel);
        },
      });
      try {
        this.#channel.send({ kind: "request", view: this.#view, number, method, params });
      } catch {
        // The comm is closed: the page outlived its kernel.
        this.#settle(number)?.reject(new RequestError(NO_ANSWER, "silent"));
      }
    });
  }

  /**
   * Give a trait of the widget a value in Python; the page's own copy is the caller's.
   *
   * Jupyter's widgets send no further change of a trait until the kernel has told that
   * the last one is dealt with. ipykernel 7 does not tell it of what comes while a cell
   * awaits, and every later change would be held back for good. A message is not.
   */
  set(name: string, value: unknown): void {
    this.#tell({ kind: "set", view: this.#view, name, value });
  }

  /** Cancel every question; the view is going. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#channel.off("msg:custom", this.#receive);
    for (const number of [...this.#waiting.keys()]) {
      this.#settle(number)?.reject(new RequestError("Cancelled.", "cancelled"));
    }
    this.#tell({ kind: "close", view: this.#view });
  }

  #drop(number: number, error: RequestError): void {
    const waiting = this.#settle(number);
    if (waiting === undefined) return;
    waiting.reject(error);
    this.#tell({ kind: "cancel", view: this.#view, number });
  }

  #tell(content: unknown): void {
    try {
      this.#channel.send(content);
    } catch {
      // Nobody is there to be told.
    }
  }

  #settle(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    waiting?.stop();
    return waiting;
  }

  readonly #receive = (message: unknown): void => {
    if (!isReply(message) || message.view !== this.#view) return;
    const waiting = this.#settle(message.number);
    if (waiting === undefined) return;
    if (typeof message.error === "string") {
      waiting.reject(new RequestError(message.error, "failed"));
    } else {
      waiting.resolve(message.result);
    }
  };
}

interface Reply {
  kind: "reply";
  view: string;
  number: number;
  result?: unknown;
  error?: string | null;
}

function isReply(message: unknown): message is Reply {
  return typeof message === "object" && message !== null && "kind" in message
    && message.kind === "reply" && "number" in message && "view" in message;
}

function newKey(): string {
  // crypto.randomUUID wants a secure context, which a notebook over http is not.
  return Array.from({ length: 4 }, () => Math.floor(Math.random() * 2 ** 32).toString(36)).join("");
}
