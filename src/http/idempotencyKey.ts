/** A key in the header `Idempotency-Key`. */
import { isKey } from "../core/receipt/KeyedCall.ts"

const quoted = /^"((?:[^"\\]|\\["\\])*)"$/

/** The key as it stands, or in quotes as the draft of the IETF has it; undefined: it is none. */
export const readKey = (header: string): string | undefined => {
  const key = header.startsWith('"') ? quoted.exec(header)?.[1]?.replaceAll(/\\(.)/g, "$1") : header
  return isKey(key) ? key : undefined
}

/** The header for a key: in quotes, since a key may begin with one. */
export const quotedKey = (key: string): string => `"${key.replaceAll(/["\\]/g, "\\$&")}"`
