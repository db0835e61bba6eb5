/** The group of http.md 14 and 13.9, with its bodies (2.8), and reservations (decision 26). */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { JsonObject, pageFields, StatusConflict, Timestamp } from "../wire.ts"
import { Access, intentId, paging, summary } from "./common.ts"
import { reads, writes } from "./rights.ts"

const costFields = {
  id: Schema.String,
  intent_id: Schema.String,
  agent_id: Schema.String,
  cost_type: Schema.String,
  amount: Schema.Finite,
  unit: Schema.String,
  provider: Schema.NullOr(Schema.String),
  metadata: JsonObject,
  cost_metadata: JsonObject,
  recorded_at: Timestamp,
  recordedAt: Timestamp
}

export const CostBody = Schema.Struct(costFields).annotate({
  identifier: "Cost",
  description: "What something has cost; it never changes"
})
export interface CostBody extends Schema.Schema.Type<typeof CostBody> {}

const SettlementBody = Schema.Struct({
  ...costFields,
  reservation_id: Schema.String,
  reserved: Schema.Finite,
  excess: Schema.Finite.annotate({ description: "What was spent beyond what was reserved" })
}).annotate({ identifier: "Settlement", description: "The cost that took the place of a reservation" })

const Sums = Schema.Record(Schema.String, Schema.Finite)

export const SummaryBody = Schema.Struct({
  total: Schema.Finite.annotate({ description: "Over all units: `by_unit` is the honest figure" }),
  count: Schema.Int,
  by_type: Sums,
  by_agent: Sums,
  by_unit: Sums,
  by_provider: Sums
}).annotate({ identifier: "CostSummary", description: "Exact sums" })
export interface SummaryBody extends Schema.Schema.Type<typeof SummaryBody> {}

const PortfolioCostsBody = Schema.Struct({ summary: SummaryBody, by_intent: Sums }).annotate({
  identifier: "PortfolioCosts"
})

const reservationFields = {
  id: Schema.String,
  intent_id: Schema.String,
  agent_id: Schema.String,
  cost_type: Schema.String,
  amount: Schema.Finite,
  unit: Schema.String,
  status: Schema.Literals(["held", "settled", "cancelled", "expired"]),
  created_at: Timestamp,
  createdAt: Timestamp,
  expires_at: Timestamp,
  expiresAt: Timestamp,
  ended_at: Schema.NullOr(Timestamp),
  endedAt: Schema.NullOr(Timestamp)
}

export const ReservationBody = Schema.Struct(reservationFields).annotate({
  identifier: "Reservation",
  description: "Money set aside before it is spent"
})
export interface ReservationBody extends Schema.Schema.Type<typeof ReservationBody> {}

const NewReservationBody = Schema.Struct({
  ...reservationFields,
  remaining: Schema.NullOr(Schema.Finite).annotate({ description: "What every limit leaves; null if there is none" })
}).annotate({ identifier: "NewReservation" })

const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const metadata = optional(JsonObject).annotate({ description: "Also read: cost_metadata" })

/** http.md 14.1 */
const RecordCostBody = Schema.Struct({
  cost_type: Schema.String,
  amount: Schema.Finite.annotate({ description: "0 or more, at most 12 digits after the point" }),
  unit: Schema.String,
  provider: optional(Schema.String),
  metadata,
  agent_id: optional(Schema.String)
}).annotate({ identifier: "RecordCost" })

const ReserveCostBody = Schema.Struct({
  amount: Schema.Finite,
  unit: optional(Schema.String.annotate({ description: "Default USD" })),
  cost_type: optional(Schema.String),
  ttl_seconds: optional(Schema.Int.annotate({ description: "1 to 86400, default 300" })),
  agent_id: optional(Schema.String)
}).annotate({ identifier: "ReserveCost" })

const SettleCostBody = Schema.Struct({
  amount: Schema.Finite,
  unit: optional(Schema.String.annotate({ description: "If given, that of the reservation" })),
  cost_type: optional(Schema.String),
  provider: optional(Schema.String),
  metadata,
  agent_id: optional(Schema.String)
}).annotate({ identifier: "SettleCost" })

const reservationId = { ...intentId, reservationId: Schema.String }

export class CostsApi extends HttpApiGroup.make("costs")
  .add(
    HttpApiEndpoint.post("record", "/api/v1/intents/:intentId/costs", {
      params: intentId,
      payload: RecordCostBody,
      success: CostBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("list", "/api/v1/intents/:intentId/costs", {
      params: intentId,
      query: paging,
      success: Schema.Struct({ costs: Schema.Array(CostBody), summary: SummaryBody, ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.get("summary", "/api/v1/intents/:intentId/costs/summary", {
      params: intentId,
      success: SummaryBody
    }).annotateMerge(reads),
    HttpApiEndpoint.post("reserve", "/api/v1/intents/:intentId/costs/reservations", {
      params: intentId,
      payload: ReserveCostBody,
      success: NewReservationBody
    })
      .annotateMerge(writes)
      .annotateMerge(summary("Set an amount aside, if every budget above has room for it")),
    HttpApiEndpoint.get("reservations", "/api/v1/intents/:intentId/costs/reservations", {
      params: intentId,
      query: paging,
      success: Schema.Struct({ reservations: Schema.Array(ReservationBody), ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.post("settle", "/api/v1/intents/:intentId/costs/reservations/:reservationId/settle", {
      params: reservationId,
      payload: SettleCostBody,
      success: SettlementBody,
      error: StatusConflict
    })
      .annotateMerge(writes)
      .annotateMerge(summary("Record what was spent of a reservation")),
    HttpApiEndpoint.delete("release", "/api/v1/intents/:intentId/costs/reservations/:reservationId", {
      params: reservationId,
      success: ReservationBody,
      error: StatusConflict
    }).annotateMerge(writes),
    HttpApiEndpoint.get("ofPortfolio", "/api/v1/portfolios/:portfolioId/costs", {
      params: { portfolioId: Schema.String },
      success: PortfolioCostsBody
    })
      .annotateMerge(reads)
      .annotateMerge(summary("Sums over the members of a portfolio"))
  )
  .middleware(Access) {}
