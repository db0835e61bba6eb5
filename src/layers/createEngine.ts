/** The engine for plain TypeScript: `createEngine` runs it here, `connect` over HTTP; the same interface. */
import type { EmbeddedOptions } from "./fromUrl.ts"
import { fromUrl } from "./fromUrl.ts"
import type { Engine } from "./promises.ts"
import { promising } from "./promises.ts"
import type { RemoteOptions } from "./remote.ts"

export interface CreateEngineOptions extends EmbeddedOptions {
  /** A storage URL: `memory:`, `sqlite:./work.db` (relative to the working directory), `sqlite:/var/lib/work.db`. */
  readonly storage: string
  /** Who acts; default `local`. */
  readonly agent?: string | undefined
}

/**
 * Opens the storage and gives the engine on it. Rejects with `UnsupportedStorage` or the storage's error, and has then
 * left nothing open. Close it (`await using`, or `close`) before the process ends.
 */
export const createEngine = ({ agent, storage, ...options }: CreateEngineOptions): Promise<Engine> =>
  promising(fromUrl(storage, options), agent)

export interface ConnectOptions extends RemoteOptions {
  /** Who acts; default: the agent of the key. */
  readonly agent?: string | undefined
}

/** No name in `X-Agent-ID`: the server takes the agent of the key (http.md 1.4). */
const agentOfKey = ""

/** The engine behind a server. Sends nothing yet: the first call tells whether the server is there and knows the key. */
export const connect = async ({ agent = agentOfKey, ...options }: ConnectOptions): Promise<Engine> =>
  promising((await import("./remote.ts")).remote(options), agent)
