/** What is in a file, read past the engine. */
import * as Schema from "effect/Schema"
import { DatabaseSync } from "node:sqlite"

const body = <Fields extends Schema.Struct.Fields>(fields: Fields) => Schema.fromJsonString(Schema.Struct(fields))

const Intents = Schema.Array(
  Schema.Struct({
    id: Schema.String,
    status: Schema.String,
    body: body({ version: Schema.Int, state: Schema.Record(Schema.String, Schema.Json) })
  })
)
const Events = Schema.Array(
  Schema.Struct({
    position: Schema.Int,
    id: Schema.String,
    intent_id: Schema.String,
    type: Schema.String,
    body: body({ actor: Schema.String, payload: Schema.Record(Schema.String, Schema.Json) })
  })
)
const Leases = Schema.Array(
  Schema.Struct({
    id: Schema.String,
    intent_id: Schema.String,
    scope: Schema.String,
    status: Schema.String,
    body: body({ agentId: Schema.String, fencingToken: Schema.Int })
  })
)
const Counters = Schema.Array(Schema.Struct({ key: Schema.String, n: Schema.Int }))

export interface Stored {
  readonly intents: typeof Intents.Type
  readonly events: typeof Events.Type
  readonly leases: typeof Leases.Type
  readonly counters: typeof Counters.Type
  /** `ok`, or what is wrong with the file. */
  readonly integrity: unknown
}

const decode = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, rows: unknown): S["Type"] =>
  Schema.decodeUnknownSync(schema)(rows)

/** Reads all of it as of one instant. */
export const readStored = (file: string): Stored => {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  try {
    db.exec("BEGIN")
    const all = (sql: string) => db.prepare(sql).all()
    return {
      intents: decode(Intents, all(`SELECT id, status, body FROM intents`)),
      events: decode(Events, all(`SELECT position, id, intent_id, type, body FROM events ORDER BY position`)),
      leases: decode(Leases, all(`SELECT id, intent_id, scope, status, body FROM leases`)),
      counters: decode(Counters, all(`SELECT "key", n FROM counters`)),
      integrity: all("PRAGMA integrity_check")[0]?.["integrity_check"]
    }
  } finally {
    db.close()
  }
}
