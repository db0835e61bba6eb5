/** `openintent/remote`: the same interface over HTTP. Loads no engine and no server. */
import type * as Layer from "effect/Layer"
import type { OpenIntent } from "../core/OpenIntent.ts"
import * as Remote from "../http/remote.ts"

export type { RemoteOptions } from "../http/remote.ts"

/**
 * The engine behind the server at `url`. Each call tells the server who acts: the `CurrentAgent`. Building it sends
 * nothing; the first call tells whether the server is there and knows the key.
 */
export const remote = (options: Remote.RemoteOptions): Layer.Layer<OpenIntent> => Remote.layer(options)
