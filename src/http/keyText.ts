/**
 * The text of keys that are kept in the storage: `oi_<id>_<secret><checksum>`. The id finds the key and is no secret;
 * the secret has 190 random bits; the checksum (CRC-32 of all before it) tells a scanner of sources that this is a key
 * and not something like it, and a key that was mistyped from one that is unknown.
 */
import { randomBytes } from "node:crypto"
import { crc32 } from "node:zlib"
import { isKey, keyPrefix } from "../core/apiKey/form.ts"

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const [idLength, secretLength, checksumLength] = [12, 32, 6]

const randomDigits = (length: number): string => {
  let text = ""
  while (text.length < length) {
    // A byte beyond the last multiple of 62 would make the first digits likelier than the others.
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += digits.charAt(byte % 62)
  }
  return text
}

const checksum = (text: string): string => {
  let sum = crc32(text)
  let written = ""
  for (let i = 0; i < checksumLength; i++) {
    written = digits.charAt(sum % 62) + written
    sum = Math.floor(sum / 62)
  }
  return written
}

/** A new key, and the id in it. */
export const newKeyText = (): { readonly id: string; readonly text: string } => {
  const id = randomDigits(idLength)
  const body = `${keyPrefix}${id}_${randomDigits(secretLength)}`
  return { id, text: body + checksum(body) }
}

/** The id in the text of a key; undefined where it is none, or mistyped. */
export const keyIdOf = (text: string): string | undefined => {
  if (!isKey(text)) return undefined
  const body = text.slice(0, -checksumLength)
  return text.endsWith(checksum(body)) ? text.slice(keyPrefix.length, keyPrefix.length + idLength) : undefined
}
