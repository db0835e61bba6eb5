/** How fast a load goes: so many calls a second over all clients, none while it is paused, and an end. */

export class Over extends Error {}

export class Pace {
  #perSecond: number
  #under = 0
  #isOver = false
  #gate: PromiseWithResolvers<void> | undefined
  #idle: (() => void) | undefined
  #nextAt = performance.now()
  /** Calls that were answered. */
  count = 0

  /** Infinity: as fast as it goes. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  set perSecond(value: number) {
    this.#perSecond = value
    this.#nextAt = performance.now()
  }

  /** Makes a call when its turn comes; `Over` when there is no more. */
  async run<A>(call: () => Promise<A>): Promise<A> {
    if (this.#perSecond !== Number.POSITIVE_INFINITY) {
      const now = performance.now()
      this.#nextAt = Math.max(this.#nextAt + 1000 / this.#perSecond, now - 1000)
      if (this.#nextAt > now) await new Promise((resolve) => setTimeout(resolve, this.#nextAt - now))
    }
    while (this.#gate !== undefined) await this.#gate.promise
    if (this.#isOver) throw new Over("the load is over")
    this.#under++
    try {
      return await call()
    } finally {
      this.count++
      if (--this.#under === 0) this.#idle?.()
    }
  }

  /** Runs `work` while nothing is under way. */
  async pausedFor<A>(work: () => Promise<A>): Promise<A> {
    const gate = Promise.withResolvers<void>()
    this.#gate = gate
    try {
      if (this.#under > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
      this.#idle = undefined
      return await work()
    } finally {
      this.#gate = undefined
      this.#nextAt = performance.now()
      gate.resolve()
    }
  }

  end(): void {
    this.#isOver = true
  }
}
