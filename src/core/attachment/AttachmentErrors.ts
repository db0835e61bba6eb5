import * as Data from "effect/Data"

/** The intent has no such attachment; another intent may have it (semantics 44). */
export class AttachmentNotFound extends Data.TaggedError("AttachmentNotFound")<{
  readonly intentId: string
  readonly attachmentId: string
}> {
  override get message() {
    return "Attachment not found"
  }
}

/** The attachment is a reference: what it refers to is not stored here (http.md 10.4). */
export class ContentNotStored extends Data.TaggedError("ContentNotStored")<{
  readonly intentId: string
  readonly attachmentId: string
}> {
  override get message() {
    return "The content of this attachment is not stored here"
  }
}
