import type * as DateTime from "effect/DateTime"
import type { JsonObject } from "../json.ts"
import type { PageOptions } from "../Page.ts"

/** A file that belongs to an intent (RFC 0005, http.md 2.7): stored here, or a reference to where it is. */
export interface Attachment {
  readonly id: string
  readonly intentId: string
  readonly filename: string
  readonly mimeType: string
  /** Bytes: of the content that is stored here, else what was said of the file. */
  readonly size: number
  /** Where the file is; of content that is stored here, the path of its download. */
  readonly storageUrl: string
  /** The content is stored here: `attachments.content` answers it. */
  readonly inline: boolean
  readonly description: string | null
  readonly metadata: JsonObject
  readonly uploadedBy: string
  readonly createdAt: DateTime.Utc
}

/** With `content` or `contentBase64` the file is stored here, else `storageUrl` says where it is. */
export interface AddAttachment {
  /** 1 to 255 characters. A name only: nothing is stored under it. */
  readonly filename: string
  /** As in `text/plain; charset=utf-8`: 1 to 255 characters of printable ASCII. */
  readonly mimeType: string
  readonly content?: Uint8Array | undefined
  /** The same as text: strict base64 (RFC 4648, section 4), padded, without white space. */
  readonly contentBase64?: string | undefined
  /** 1 to 2048 characters. Not read where content is given. */
  readonly storageUrl?: string | undefined
  /** Bytes of a file elsewhere, default 0. Not read where content is given. */
  readonly size?: number | undefined
  readonly description?: string | null | undefined
  readonly metadata?: object | null | undefined
}

export interface ListAttachments extends PageOptions {}

/** What is stored of an attachment, as it can be handed on. */
export interface AttachmentContent {
  readonly bytes: Uint8Array
  /** The attachment's, or `application/octet-stream` where that is no media type. */
  readonly mimeType: string
  /** The attachment's as a name to save it under: without path separators and control characters. */
  readonly filename: string
}
