/** One open stream, between who makes its bytes and the outlet that takes them as fast as the client does. */
import * as Effect from "effect/Effect"
import type { Outlet } from "./Outlet.ts"

const utf8 = new TextEncoder()

export class Connection {
  readonly #outlet: Outlet
  /** The outlet is to have no more now. */
  #isFull = false
  /** Goes on with who waits until it takes more. */
  #resume: ((ready: Effect.Effect<void>) => void) | undefined
  /** How often the clock has ticked since something was sent. */
  #quietTicks = 0

  constructor(outlet: Outlet) {
    this.#outlet = outlet
  }

  /** Sends bytes at once, if there are any, and completes when there may be more. */
  give(bytes: Uint8Array): Effect.Effect<void> {
    if (bytes.length > 0) this.#write(bytes)
    return this.#isFull
      ? Effect.callback((resume) => {
          this.#resume = resume
        })
      : Effect.void
  }

  /** Sends a text between the frames of events; waits for nothing. */
  send(text: string): void {
    this.#write(utf8.encode(text))
  }

  /** The outlet takes more. */
  ready(): void {
    this.#isFull = false
    const resume = this.#resume
    this.#resume = undefined
    resume?.(Effect.void)
  }

  /** A tick of the clock: after so many without anything sent, sends the text. Nothing to a client that does not read. */
  tick(ticksMax: number, text: string): void {
    if (++this.#quietTicks >= ticksMax && !this.#isFull) this.send(text)
  }

  #write(bytes: Uint8Array): void {
    this.#quietTicks = 0
    this.#isFull = !this.#outlet.write(bytes)
  }
}
