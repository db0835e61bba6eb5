/** Reads what a caller gives about an attachment (http.md 10.1): checked, copied, frozen. */
import type * as Result from "effect/Result"
import { base64Length, decodedLength, encodeBase64, isBase64 } from "../base64.ts"
import { TooLarge, type ValidationError } from "../Errors.ts"
import { Checks, limits } from "../validate.ts"
import type { AddAttachment } from "./Attachment.ts"
import type { AddCommand } from "./rules.ts"

const filenameLength = 255
const mimeTypeLength = 255
const urlLength = 2048
const metadataBytes = 64 * 1024

const printable = /^[ -~]*$/

/** The content as base64; undefined for a reference. Its size is known, and judged, before any of it is looked at. */
const readContent = (
  checks: Checks,
  { content, contentBase64 }: Pick<AddAttachment, "content" | "contentBase64">,
  maxBytes: number
): string | undefined => {
  const tooLarge = () => {
    checks.tooLarge ??= new TooLarge({ field: "content", maxBytes })
    return ""
  }
  if (content !== undefined && content !== null) {
    if (contentBase64 !== undefined && contentBase64 !== null)
      checks.add("content", "must not be given together with contentBase64")
    if (content instanceof Uint8Array) return content.length > maxBytes ? tooLarge() : encodeBase64(content)
    checks.add("content", "must be a Uint8Array")
    return ""
  }
  if (contentBase64 === undefined || contentBase64 === null) return undefined
  if (typeof contentBase64 !== "string") {
    checks.add("contentBase64", "must be a string", contentBase64)
    return ""
  }
  if (contentBase64.length > base64Length(maxBytes)) return tooLarge()
  if (!isBase64(contentBase64)) checks.add("contentBase64", "must be base64 with padding and without white space")
  else if (decodedLength(contentBase64) > maxBytes) return tooLarge()
  return contentBase64
}

const readMimeType = (checks: Checks, value: unknown): string => {
  const mimeType = checks.readText("mimeType", value, 1, mimeTypeLength)
  if (!printable.test(mimeType)) checks.add("mimeType", "must be printable ASCII", mimeType)
  return mimeType
}

export const readAddAttachment = (
  intentId: string,
  input: AddAttachment,
  agentId: string,
  maxBytes: number
): Result.Result<AddCommand, ValidationError | TooLarge> => {
  const checks = new Checks()
  const base64 = readContent(checks, input, maxBytes)
  return checks.finishSized({
    intentId,
    uploadedBy: checks.readAgent("agent", agentId),
    filename: checks.readText("filename", input.filename, 1, filenameLength),
    mimeType: readMimeType(checks, input.mimeType),
    description: checks.readOptionalText("description", input.description, limits.noteLength) ?? null,
    metadata: checks.readObject("metadata", input.metadata, metadataBytes),
    file:
      base64 === undefined
        ? {
            storageUrl: checks.readText("storageUrl", input.storageUrl, 1, urlLength),
            size: checks.readInt("size", input.size, 0, 0, Number.MAX_SAFE_INTEGER)
          }
        : { base64, size: decodedLength(base64) }
  })
}
