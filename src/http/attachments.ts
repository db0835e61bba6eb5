/** http.md 10 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import { MaxBodySize } from "effect/http/HttpIncomingMessage"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { HttpApiBuilder } from "effect/http-api"
import type { AddAttachment, Attachment, AttachmentContent } from "../core/attachment/Attachment.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { answer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { attachmentDisposition } from "./disposition.ts"
import { invalid, type Refusal } from "./refusals.ts"
import { Fields } from "./fields.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { type RawBody, readBody } from "./requestBody.ts"
import { formatTimestamp, type Profile } from "./timestamps.ts"

/** http.md 2.7 */
const attachmentBody = (attachment: Attachment, profile: Profile) => {
  const createdAt = formatTimestamp(attachment.createdAt, profile)
  return {
    id: attachment.id,
    intent_id: attachment.intentId,
    filename: attachment.filename,
    mime_type: attachment.mimeType,
    content_type: attachment.mimeType,
    size: attachment.size,
    size_bytes: attachment.size,
    storage_url: attachment.storageUrl,
    url: attachment.storageUrl,
    inline: attachment.inline,
    description: attachment.description,
    metadata: attachment.metadata,
    uploaded_by: attachment.uploadedBy,
    created_by: attachment.uploadedBy,
    created_at: createdAt,
    createdAt
  }
}

/** http.md 10.1 */
const addAttachment = (body: RawBody): Effect.Effect<AddAttachment, Refusal> => {
  const fields = new Fields(body)
  const input: AddAttachment = {
    filename: fields.requiredString("filename"),
    mimeType: fields.requiredString("mime_type", "content_type"),
    contentBase64: fields.string("content_base64"),
    storageUrl: fields.string("storage_url", "url"),
    size: fields.integer("size", "size_bytes"),
    description: fields.string("description"),
    metadata: fields.object("metadata")
  }
  return fields.issues.length === 0 ? Effect.succeed(input) : Effect.fail(invalid(fields.issues))
}

/** What somebody uploaded, for a browser to save: it must not be run in this origin, whatever it says it is. */
const download = ({ bytes, filename, mimeType }: AttachmentContent) =>
  HttpServerResponse.uint8Array(bytes, {
    contentType: mimeType,
    headers: {
      "content-disposition": attachmentDisposition(filename),
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff"
    }
  })

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "attachments",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    const maxBodyBytes = options.maxAttachmentBodyBytes
    const withContent = { ...options, maxBodyBytes }
    return handlers
      .handleRaw("add", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, withContent).pipe(
            Effect.provideService(MaxBodySize, ByteSize.bytes(maxBodyBytes)),
            Effect.flatMap(addAttachment),
            Effect.flatMap((input) => engine.attachments.add(intentId, input)),
            (effect) =>
              answer(effect, { engine, intentId, profile, onSuccess: (added) => json(attachmentBody(added, profile)) })
          )
        )
      )
      .handleRaw("list", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(engine.attachments.list(intentId, query), {
            engine,
            intentId,
            profile,
            onSuccess: (page) => pageAnswer("attachments", page, attachmentBody, profile, request.url)
          })
        )
      )
      .handleRaw("remove", ({ params: { attachmentId, intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(engine.attachments.remove(intentId, attachmentId), {
            engine,
            intentId,
            profile,
            onSuccess: () => HttpServerResponse.empty({ status: 204 })
          })
        )
      )
      .handleRaw("content", ({ params: { attachmentId, intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(engine.attachments.content(intentId, attachmentId), { engine, intentId, profile, onSuccess: download })
        )
      )
  })
)
