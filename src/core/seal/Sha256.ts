/** The port: a digest that is at hand at once. What the platform has is many times faster than one written here. */
import * as Context from "effect/Context"

/** SHA-256 of the UTF-8 of a text, in base64url without padding: 43 characters. */
export type Digest = (text: string) => string

/** Undefined: this process seals nothing, and cannot verify. */
export const Sha256 = Context.Reference<Digest | undefined>("openintent/core/seal/Sha256", {
  defaultValue: () => undefined
})
