import * as Effect from "effect/Effect"
import type { Attachment } from "../../core/attachment/Attachment.ts"
import { encodeBase64 } from "../../core/base64.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import type { AttachmentBody } from "../api/attachments.ts"
import { dispositionFilename } from "../disposition.ts"
import { ask, type Client, given, invalid, objectOf } from "./call.ts"
import { pageOf } from "./records.ts"

const attachmentOf = (body: AttachmentBody): Attachment => ({
  id: body.id,
  intentId: body.intent_id,
  filename: body.filename,
  mimeType: body.mime_type,
  size: body.size,
  storageUrl: body.storage_url,
  inline: body.inline,
  description: body.description,
  metadata: body.metadata,
  uploadedBy: body.uploaded_by,
  createdAt: body.created_at
})

/** http.md 10 */
export const makeAttachments = ({ attachments }: Client): OpenIntentShape["attachments"] => ({
  add: Effect.fnUntraced(function* (intentId, input) {
    const { content, contentBase64 } = input
    if (content !== undefined && contentBase64 !== undefined)
      return yield* invalid("content", "must not be given together with contentBase64")
    const metadata = yield* objectOf("metadata", input.metadata)
    return yield* ask(
      { operation: "attachments.add", intentId },
      ["IntentNotFound", "TooLarge"],
      attachments.add({
        params: { intentId },
        payload: {
          filename: input.filename,
          mime_type: input.mimeType,
          ...given({
            content_base64: content === undefined ? contentBase64 : encodeBase64(content),
            storage_url: input.storageUrl,
            size: input.size,
            description: input.description,
            metadata
          })
        }
      }),
      attachmentOf
    )
  }),
  list: (intentId, query = {}) =>
    ask(
      { operation: "attachments.list", intentId },
      ["IntentNotFound"],
      attachments.list({ params: { intentId }, query: given(query) }),
      (page) => pageOf(page, page.attachments, attachmentOf)
    ),
  remove: (intentId, attachmentId) =>
    ask(
      { operation: "attachments.remove", intentId, attachmentId },
      ["IntentNotFound", "AttachmentNotFound"],
      attachments.remove({ params: { intentId, attachmentId } }),
      () => undefined
    ),
  content: (intentId, attachmentId) =>
    ask(
      { operation: "attachments.content", intentId, attachmentId },
      ["IntentNotFound", "AttachmentNotFound", "ContentNotStored"],
      attachments.content({ params: { intentId, attachmentId }, responseMode: "decoded-and-response" }),
      ([bytes, { headers }]) => ({
        bytes,
        mimeType: headers["content-type"] ?? "application/octet-stream",
        filename: dispositionFilename(headers["content-disposition"]) ?? attachmentId
      })
    )
})
