/** The group of http.md 10. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { JsonObject, pageFields, Timestamp } from "../wire.ts"
import { Access, intentId, paging } from "./common.ts"
import { reads, writes } from "./rights.ts"

/** http.md 2.7 */
const AttachmentBody = Schema.Struct({
  id: Schema.String,
  intent_id: Schema.String,
  filename: Schema.String,
  mime_type: Schema.String,
  content_type: Schema.String,
  size: Schema.Int,
  size_bytes: Schema.Int,
  storage_url: Schema.String,
  url: Schema.String,
  inline: Schema.Boolean.annotate({ description: "The content is stored here: `storage_url` is its download" }),
  description: Schema.NullOr(Schema.String),
  metadata: JsonObject,
  uploaded_by: Schema.String,
  created_by: Schema.String,
  created_at: Timestamp,
  createdAt: Timestamp
}).annotate({ identifier: "Attachment", description: "A file of an intent, stored here or referred to" })
export interface AttachmentBody extends Schema.Schema.Type<typeof AttachmentBody> {}

/** http.md 10.1 */
const AddAttachmentBody = Schema.Struct({
  filename: Schema.String,
  mime_type: Schema.String.annotate({ description: "Also read: content_type" }),
  storage_url: Schema.optionalKey(Schema.String).annotate({ description: "Required without content. Also read: url" }),
  content_base64: Schema.optionalKey(Schema.String).annotate({ description: "Padded, without white space" }),
  size: Schema.optionalKey(Schema.Int).annotate({ description: "Of a file elsewhere. Also read: size_bytes" }),
  description: Schema.optionalKey(Schema.NullOr(Schema.String)),
  metadata: Schema.optionalKey(Schema.NullOr(JsonObject))
}).annotate({ identifier: "AddAttachment" })

const attachmentParams = { ...intentId, attachmentId: Schema.String }

export class AttachmentsApi extends HttpApiGroup.make("attachments")
  .add(
    HttpApiEndpoint.post("add", "/api/v1/intents/:intentId/attachments", {
      params: intentId,
      payload: AddAttachmentBody,
      success: AttachmentBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("list", "/api/v1/intents/:intentId/attachments", {
      params: intentId,
      query: paging,
      success: Schema.Struct({ attachments: Schema.Array(AttachmentBody), ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.delete("remove", "/api/v1/intents/:intentId/attachments/:attachmentId", {
      params: attachmentParams,
      success: HttpApiSchema.NoContent
    }).annotateMerge(writes),
    HttpApiEndpoint.get("content", "/api/v1/intents/:intentId/attachments/:attachmentId/content", {
      params: attachmentParams,
      success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array())
    }).annotateMerge(reads)
  )
  .middleware(Access) {}
