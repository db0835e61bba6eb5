/** One open stream, between who makes its bytes and the response that takes them as fast as the client does. */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"

type Bytes = readonly [Uint8Array]

/** Bytes that the response has not asked for yet. */
interface Waiting {
  readonly bytes: Uint8Array
  readonly taken: (() => void) | undefined
}

const utf8 = new TextEncoder()

export class Connection {
  #waiting: ReadonlyArray<Waiting> = []
  #isOver = false
  /** The response waits for bytes. */
  #resume: ((bytes: Effect.Effect<Bytes, Cause.Done>) => void) | undefined
  /** How often the clock has ticked since something was sent. */
  #quietTicks = 0

  /** For the response: the next bytes. */
  readonly pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>> = Effect.callback((resume) => {
    const [first, ...rest] = this.#waiting
    if (first !== undefined) {
      this.#waiting = rest
      this.#quietTicks = 0
      resume(Effect.succeed([first.bytes]))
      first.taken?.()
    } else if (this.#isOver) resume(Cause.done())
    else {
      this.#resume = resume
      return Effect.sync(() => {
        this.#resume = undefined
      })
    }
    return undefined
  })

  /** Sends bytes at once, and completes when the response has taken them. */
  give(bytes: Uint8Array): Effect.Effect<void> {
    if (this.#sendNow(bytes)) return Effect.void
    return Effect.callback((resume) => {
      this.#waiting = [...this.#waiting, { bytes, taken: () => resume(Effect.void) }]
    })
  }

  /** Sends a text between the frames of events; waits for nothing. */
  send(text: string): void {
    const bytes = utf8.encode(text)
    if (!this.#sendNow(bytes)) this.#waiting = [...this.#waiting, { bytes, taken: undefined }]
  }

  /** A tick of the clock: after so many without anything sent, sends the text. Nothing to a client that does not read. */
  tick(ticksMax: number, text: string): void {
    if (++this.#quietTicks >= ticksMax && this.#resume !== undefined) this.send(text)
  }

  /** Ends the stream when all was taken that is to be sent. */
  end(): void {
    this.#isOver = true
    const resume = this.#resume
    this.#resume = undefined
    resume?.(Cause.done())
  }

  #sendNow(bytes: Uint8Array): boolean {
    const resume = this.#resume
    if (resume === undefined) return false
    this.#resume = undefined
    this.#quietTicks = 0
    resume(Effect.succeed([bytes]))
    return true
  }
}
