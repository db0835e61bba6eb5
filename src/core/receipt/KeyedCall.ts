/** Calls that take effect once per key (design.md 7, http.md 1.2). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { ValidationError } from "../Errors.ts"

/** Under which key calls take effect once; undefined: each time they are made. Set with `OpenIntent.once`. */
export const CurrentKey = Context.Reference<string | undefined>("openintent/core/CurrentKey", {
  defaultValue: () => undefined
})

/** What tells one keyed call from others. Neither part can be read back. */
export interface Mark {
  /** Whose it is, what it calls, and its key: where its receipt is. */
  readonly receiptKey: string
  /** What it was called with. */
  readonly fingerprint: string
}

/** One call under a key. It changes while it is made, by its one command. */
export interface KeyedCall {
  /** As it was given. */
  readonly key: string
  readonly mark: Effect.Effect<Mark>
  /** Whether its command has taken effect, or had before. */
  outcome: "open" | "done" | "replayed"
}

/** The keyed call under way; undefined: it has no key. */
export const CurrentCall = Context.Reference<KeyedCall | undefined>("openintent/core/CurrentCall", {
  defaultValue: () => undefined
})

/** For commands beside the one that a call is about: they have nothing to do with its key. */
export const unkeyed: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  CurrentCall,
  undefined
)

/** 1 to 255 visible characters of ASCII. */
export const isKey = (key: unknown): key is string => typeof key === "string" && /^[!-~]{1,255}$/.test(key)

export const keyIssue = new ValidationError({
  issues: [{ field: "idempotencyKey", message: "must be 1 to 255 visible characters of ASCII" }]
})
