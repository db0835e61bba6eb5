import * as Layer from "effect/Layer"
import { hash } from "node:crypto"
import { Sha256 } from "../core/seal/Sha256.ts"

/** Node's own SHA-256, for an engine. */
export const sha256: Layer.Layer<never> = Layer.succeed(Sha256, (text) => hash("sha256", text, "base64url"))
