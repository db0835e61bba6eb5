/** What the server knows of a request beside what it says. */
import * as Context from "effect/Context"
import type * as Tracer from "effect/Tracer"

/** Made at the edge, for one request. */
export interface Passage {
  readonly id: string
  /** When it came, by `performance.now()`. */
  readonly since: number
  /** What its answer carries, whatever it will be. */
  readonly headers: { [name: string]: string }
  /** The pattern of its route, as the contract writes it; once it is known. */
  route?: string
  /** Where traces are kept. */
  span?: Tracer.Span
  /** Once it is read. */
  body?: Uint8Array
}

/** Of the request under way; undefined outside of one. */
export const CurrentPassage = Context.Reference<Passage | undefined>("openintent/http/Passage", {
  defaultValue: () => undefined
})
