import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ApiKeys } from "../core/apiKey/ApiKeys.ts"
import type { OpenIntent } from "../core/OpenIntent.ts"
import type { StorageError } from "../core/Storage.ts"
import type { SqliteEngineOptions } from "./sqlite.ts"
import type { UnsupportedStorage } from "./storageUrl.ts"
import { parseStorageUrl } from "./storageUrl.ts"

/** Switches of the engine and of its storage; those of another storage are ignored. */
export interface EmbeddedOptions extends SqliteEngineOptions {}

/** The embedded engine over the storage that the URL names (`storageUrl.ts`). Loads the code of that storage alone. */
export const fromUrl = (
  url: string,
  options?: EmbeddedOptions
): Layer.Layer<OpenIntent | ApiKeys, UnsupportedStorage | StorageError> =>
  Effect.fromResult(parseStorageUrl(url)).pipe(
    Effect.flatMap((storage) =>
      Effect.promise(async () =>
        storage._tag === "Memory"
          ? (await import("./memory.ts")).memory(options)
          : (await import("./sqlite.ts")).sqlite(storage.file, options)
      )
    ),
    Layer.unwrap
  )
