/** Attachments of an intent (RFC 0005, http.md 10). Pure. */
import * as Result from "effect/Result"
import type { Aggregate, Decision, Write } from "../Aggregate.ts"
import { moveOn } from "../Aggregate.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { Env } from "../Env.ts"
import { TooLarge, ValidationError } from "../Errors.ts"
import { systemEvent } from "../event/LogEvent.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { Attachment } from "./Attachment.ts"
import { AttachmentNotFound } from "./AttachmentErrors.ts"

/** A file elsewhere, or one that is to be stored here. */
export type File =
  | { readonly storageUrl: string; readonly size: number }
  | { readonly base64: string; readonly size: number }

export interface AddCommand extends Pick<
  Attachment,
  "intentId" | "filename" | "mimeType" | "description" | "metadata" | "uploadedBy"
> {
  readonly file: File
}

/** What an intent may have of attachments. */
export type AttachmentLimits = Pick<EngineOptions, "attachmentsPerIntent" | "attachmentBytesPerIntent">

/** The intent, and what it has of attachments: how many, and bytes of content that is stored here. */
export interface AddFacts {
  readonly found: Aggregate | undefined
  readonly count: number
  readonly bytes: number
}

/** Where the content of an attachment is downloaded (http.md 10.4). */
const contentPath = (intentId: string, attachmentId: string) =>
  `/api/v1/intents/${intentId}/attachments/${attachmentId}/content`

/**
 * Adds an attachment. Moves the intent on, since each one counts against its limits: of two that come at the same time,
 * the second is decided on what the first left.
 */
export const decideAdd = (
  { bytes, count, found }: AddFacts,
  { file, ...given }: AddCommand,
  limits: AttachmentLimits,
  env: Env
): Result.Result<Decision<Attachment>, IntentNotFound | ValidationError | TooLarge> => {
  const { intentId } = given
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  if (count >= limits.attachmentsPerIntent) {
    const message = `of this intent are ${count}, and may not be more`
    return Result.fail(new ValidationError({ issues: [{ field: "attachments", message, value: count }] }))
  }
  const inline = "base64" in file
  const maxBytes = limits.attachmentBytesPerIntent
  if (inline && bytes + file.size > maxBytes) return Result.fail(new TooLarge({ field: "attachments", maxBytes }))
  const id = env.newId()
  const record: Attachment = {
    ...given,
    id,
    size: file.size,
    storageUrl: inline ? contentPath(intentId, id) : file.storageUrl,
    inline,
    createdAt: env.now
  }
  const content: ReadonlyArray<Write> = inline
    ? [
        {
          _tag: "Put",
          table: "attachmentContents",
          record: { attachmentId: id, base64: file.base64 },
          before: undefined
        }
      ]
    : []
  const { filename, mimeType, size } = record
  return Result.succeed({
    value: record,
    writes: [{ _tag: "Put", table: "attachments", record, before: undefined }, ...content],
    events: [
      systemEvent(env, intentId, "attachment_added", given.uploadedBy, {
        attachment_id: id,
        filename,
        mime_type: mimeType,
        size
      })
    ],
    guards: [moveOn(found)]
  })
}

export interface RemoveCommand {
  readonly intentId: string
  readonly attachmentId: string
  readonly actor: string
}

/** The intent, and the attachment of this id, whosever it is. */
export interface RemoveFacts {
  readonly found: Aggregate | undefined
  readonly known: Attachment | undefined
}

/** Removes an attachment and its content; through another intent's path it is not there (semantics 44). */
export const decideRemove = (
  { found, known }: RemoveFacts,
  { actor, attachmentId, intentId }: RemoveCommand,
  env: Env
): Result.Result<Decision<void>, IntentNotFound | AttachmentNotFound> => {
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  if (known?.intentId !== intentId) return Result.fail(new AttachmentNotFound({ intentId, attachmentId }))
  const content: ReadonlyArray<Write> = known.inline
    ? // By its key: the megabytes need not be read to be removed.
      [{ _tag: "Remove", table: "attachmentContents", before: { attachmentId, base64: "" } }]
    : []
  return Result.succeed({
    value: undefined,
    writes: [{ _tag: "Remove", table: "attachments", before: known }, ...content],
    events: [
      systemEvent(env, intentId, "attachment_removed", actor, { attachment_id: attachmentId, filename: known.filename })
    ],
    guards: [moveOn(found)]
  })
}
