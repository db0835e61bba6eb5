/** `openintent/sqlite`: the engine on a file, with Node's own `node:sqlite`. Loads no server. */
import * as Layer from "effect/Layer"
import { Engine } from "../core/Engine.ts"
import type { EngineOptions } from "../core/EngineOptions.ts"
import type { ApiKeys } from "../core/apiKey/ApiKeys.ts"
import type { OpenIntent } from "../core/OpenIntent.ts"
import type { StorageError } from "../core/Storage.ts"
import type { SqliteOptions } from "../storage/sqlite/SqliteStorage.ts"
import { SqliteStorage } from "../storage/sqlite/SqliteStorage.ts"
import { sha256 } from "./sha256.ts"
import { webhooks } from "./webhooks.ts"

export interface SqliteEngineOptions extends Partial<EngineOptions>, Omit<SqliteOptions, "path"> {}

/**
 * An engine whose work is in this file, which is created if it is missing (its folder is not). Several processes may
 * open it. Fails with `StorageError` where it cannot be written, is corrupt, is another application's, or was written
 * by a newer version.
 */
export const sqlite = (
  path: string,
  options: SqliteEngineOptions = {}
): Layer.Layer<OpenIntent | ApiKeys, StorageError> =>
  Engine.layer(options).pipe(Layer.provide([SqliteStorage.layer({ ...options, path }), sha256, webhooks]))
