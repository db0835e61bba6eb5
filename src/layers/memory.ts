/** `openintent/memory`: the engine in memory. Loads no driver and no server. */
import * as Layer from "effect/Layer"
import { Engine } from "../core/Engine.ts"
import type { EngineOptions } from "../core/EngineOptions.ts"
import type { ApiKeys } from "../core/apiKey/ApiKeys.ts"
import type { OpenIntent } from "../core/OpenIntent.ts"
import { MemoryStorage } from "../storage/memory/MemoryStorage.ts"
import { sha256 } from "./sha256.ts"
import { webhooks } from "./webhooks.ts"

/** An engine that forgets everything when its scope closes. Each call makes one of its own. */
export const memory = (options?: Partial<EngineOptions>): Layer.Layer<OpenIntent | ApiKeys> =>
  Engine.layer(options).pipe(Layer.provide([MemoryStorage.layer, sha256, webhooks]))
