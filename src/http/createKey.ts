import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { CreateApiKey, StoredKey } from "../core/apiKey/ApiKey.ts"
import { ApiKeys } from "../core/apiKey/ApiKeys.ts"
import type { EngineError, ValidationError } from "../core/Errors.ts"
import { newKeyText } from "./keyText.ts"
import { keyHash } from "./keys.ts"

/** A key that was made just now. */
export interface CreatedKey {
  /** The one time that it is seen: only its hash is kept. */
  readonly key: Redacted.Redacted
  readonly stored: StoredKey
}

/** Makes a key that opens the servers on this storage, and stores what it opens. */
export const createKey = (
  input: Omit<CreateApiKey, "id" | "hash">
): Effect.Effect<CreatedKey, ValidationError | EngineError, ApiKeys> =>
  Effect.flatMap(
    ApiKeys,
    ({ create }) =>
      Effect.suspend(() => {
        const { id, text } = newKeyText()
        return Effect.map(create({ ...input, id, hash: keyHash(text) }), (stored) => ({
          key: Redacted.make(text, { label: `key ${id}` }),
          stored
        }))
      }).pipe(Effect.catchTag("ApiKeyExists", Effect.die)) // One in 10^21.
  )
