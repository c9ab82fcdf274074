/** Memory that large messages share while they are read, given out in order and whole, so that none waits half-full. */

interface Reservation {
  bytes: number;
  granted: () => void;
}

export class MemoryBudget {
  #free: number;
  readonly #waiting: Reservation[] = [];

  /** @param limitBytes at least the largest message, which would else wait for ever */
  constructor(limitBytes: number) {
    this.#free = limitBytes;
  }

  /** Calls `granted` when the bytes are reserved, at once if they are free. @returns gives them back, or the place in the queue */
  reserve(bytes: number, granted: () => void): () => void {
    const reservation = { bytes, granted };
    this.#waiting.push(reservation);
    this.#grant();
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const at = this.#waiting.indexOf(reservation);
      if (at === -1) this.#free += bytes;
      else this.#waiting.splice(at, 1);
      this.#grant();
    };
  }

  #grant(): void {
    for (let [first] = this.#waiting; first !== undefined && first.bytes <= this.#free; [first] = this.#waiting) {
      this.#waiting.shift();
      this.#free -= first.bytes;
      first.granted();
    }
  }
}
