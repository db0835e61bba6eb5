/** An engine in memory, the keys that are stored in it, and what serves both. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { StoredKey } from "../../src/core/apiKey/ApiKey.ts"
import { ApiKeys, type ApiKeysShape } from "../../src/core/apiKey/ApiKeys.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { createKey } from "../../src/http/createKey.ts"
import { memory } from "../../src/layers/memory.ts"

export interface Keyed extends AsyncDisposable {
  /** Serves this one, however often it is built. */
  readonly layer: Layer.Layer<OpenIntent | ApiKeys>
  readonly keys: ApiKeysShape
  /** The text of a new key, and what is stored of it. */
  readonly make: (
    input?: Parameters<typeof createKey>[0]
  ) => Promise<{ readonly key: string; readonly stored: StoredKey }>
}

export const keyed = async (engine: Layer.Layer<OpenIntent | ApiKeys> = memory()): Promise<Keyed> => {
  const scope = Scope.makeUnsafe()
  const context = await Effect.runPromise(Layer.buildWithScope(engine, scope))
  const own = Context.pick(OpenIntent, ApiKeys)(context)
  return {
    layer: Layer.succeedContext(own),
    keys: Context.get(own, ApiKeys),
    make: (input = {}) =>
      Effect.runPromise(
        Effect.map(Effect.provideContext(createKey(input), own), ({ key, stored }) => ({
          key: Redacted.value(key),
          stored
        }))
      ),
    [Symbol.asyncDispose]: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
