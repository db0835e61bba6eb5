/** What is stored of attachments. Their contents are a table of their own, so that a list never reads them. */
import * as DateTime from "effect/DateTime"
import { unlessEmpty } from "../storedForms.ts"
import { table, text } from "../Table.ts"
import type { Attachment } from "./Attachment.ts"

export const attachments = table<Attachment>()("attachments", {
  key: (attachment) => attachment.id,
  columns: { intent_id: text((attachment: Attachment) => attachment.intentId) },
  body: (attachment) => ({
    filename: attachment.filename,
    mimeType: attachment.mimeType,
    size: attachment.size,
    storageUrl: attachment.storageUrl,
    inline: attachment.inline || undefined,
    description: attachment.description ?? undefined,
    metadata: unlessEmpty(attachment.metadata),
    uploadedBy: attachment.uploadedBy,
    createdAt: attachment.createdAt.epochMilliseconds
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    intentId: columns.intent_id,
    filename: body.filename,
    mimeType: body.mimeType,
    size: body.size,
    storageUrl: body.storageUrl,
    inline: body.inline ?? false,
    description: body.description ?? null,
    metadata: body.metadata ?? {},
    uploadedBy: body.uploadedBy,
    createdAt: DateTime.makeUnsafe(body.createdAt)
  }),
  indexes: { byIntent: { columns: ["intent_id"] } },
  removable: true
})

/** The bytes of an attachment, as base64: written as it came over HTTP, decoded when it is read. */
export interface StoredContent {
  readonly attachmentId: string
  readonly base64: string
}

export const attachmentContents = table<StoredContent>()("attachment_contents", {
  key: (content) => content.attachmentId,
  columns: {},
  body: ({ base64 }) => ({ base64 }),
  make: ({ body, key }) => ({ attachmentId: key, base64: body.base64 }),
  indexes: {},
  removable: true
})
