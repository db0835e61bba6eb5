/** What a caller was told is done: it must still be so after any crash. */
import * as Schema from "effect/Schema"

const JsonObject = Schema.Record(Schema.String, Schema.Json)

/** An intent as an answer showed it, at its version then. */
const AcknowledgedIntent = Schema.Struct({
  kind: Schema.Literal("intent"),
  id: Schema.String,
  version: Schema.Int,
  status: Schema.String,
  state: JsonObject
})

/** An event that was appended. */
const AcknowledgedEvent = Schema.Struct({
  kind: Schema.Literal("event"),
  id: Schema.String,
  intentId: Schema.String,
  position: Schema.Int,
  payload: JsonObject
})

/** A lease that was granted, or released. */
const AcknowledgedLease = Schema.Struct({
  kind: Schema.Literal("lease"),
  id: Schema.String,
  intentId: Schema.String,
  agentId: Schema.String,
  scope: Schema.String,
  status: Schema.Literals(["active", "released", "expired", "revoked"]),
  fencingToken: Schema.Int
})

export const Acknowledged = Schema.Union([AcknowledgedIntent, AcknowledgedEvent, AcknowledgedLease])
export type Acknowledged = typeof Acknowledged.Type
export type AcknowledgedIntent = typeof AcknowledgedIntent.Type
export type AcknowledgedEvent = typeof AcknowledgedEvent.Type
export type AcknowledgedLease = typeof AcknowledgedLease.Type
