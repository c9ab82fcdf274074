/** Time as the agent's parts see it; passed in, so that a test can own it. */
export interface Clock {
  /** Milliseconds that only rise; no date. */
  now(): number;
  /** Calls back once, after `delayMs`. @returns what cancels it */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back once, when everything of this event has happened. */
  soon(callback: () => void): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (callback) => void setImmediate(callback),
};
