/** Base64 (RFC 4648, section 4) of contents of many megabytes: one pass each way, without texts in between. */

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
const characters = new TextEncoder().encode(alphabet)
const padding = 0x3d
const foreign = /[^A-Za-z0-9+/]/

/** Six bits by the code of their character; none for padding. */
const digits = new Uint8Array(128)
for (let i = 0; i < characters.length; i++) digits[characters[i]!] = i

const paddingOf = (text: string): number => (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0)

/** Characters that so many bytes take. */
export const base64Length = (bytes: number): number => Math.ceil(bytes / 3) * 4

/** How many bytes a text of base64 stands for. */
export const decodedLength = (text: string): number => (text.length / 4) * 3 - paddingOf(text)

/**
 * Whether a text is what `encodeBase64` gives for some bytes: this alphabet and no white space, padded to fours, and
 * nothing in the bits that the padding leaves over.
 */
export const isBase64 = (text: string): boolean => {
  if (text.length % 4 !== 0) return false
  const padded = paddingOf(text)
  if (padded === 0) return !foreign.test(text)
  const end = text.length - padded
  const leftOver = padded === 1 ? 0b11 : 0b1111
  return text.search(foreign) === end && (alphabet.indexOf(text.charAt(end - 1)) & leftOver) === 0
}

export const encodeBase64 = (bytes: Uint8Array): string => {
  const text = new Uint8Array(base64Length(bytes.length)).fill(padding)
  let at = 0
  let i = 0
  for (; i + 2 < bytes.length; i += 3) {
    const three = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    text[at++] = characters[three >> 18]!
    text[at++] = characters[(three >> 12) & 0x3f]!
    text[at++] = characters[(three >> 6) & 0x3f]!
    text[at++] = characters[three & 0x3f]!
  }
  if (i < bytes.length) {
    const rest = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8)
    text[at++] = characters[rest >> 18]!
    text[at++] = characters[(rest >> 12) & 0x3f]!
    if (i + 1 < bytes.length) text[at] = characters[(rest >> 6) & 0x3f]!
  }
  return new TextDecoder().decode(text)
}

/** The bytes of a text that `isBase64`. */
export const decodeBase64 = (text: string): Uint8Array<ArrayBuffer> => {
  const codes = new TextEncoder().encode(text)
  const bytes = new Uint8Array(decodedLength(text))
  // What the padding would give is beyond the end of the bytes, and not kept.
  for (let i = 0, at = 0; i < codes.length; i += 4, at += 3) {
    const four =
      (digits[codes[i]!]! << 18) |
      (digits[codes[i + 1]!]! << 12) |
      (digits[codes[i + 2]!]! << 6) |
      digits[codes[i + 3]!]!
    bytes[at] = four >> 16
    bytes[at + 1] = four >> 8
    bytes[at + 2] = four
  }
  return bytes
}
