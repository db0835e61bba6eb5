/** The group of http.md 5. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { CreateIntentBody, IntentBody, pageFields, StatusName, VersionConflict } from "../wire.ts"
import { Access, ifMatch, intentId, paging } from "./common.ts"
import { reads, writes } from "./rights.ts"

const AddDependencyBody = Schema.Struct({
  dependency_id: Schema.String.annotate({ description: "Also read: dependencyId" })
}).annotate({ identifier: "AddDependency" })

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** http.md 5.3. `pending` counts as `active` in the default profile. */
export const GraphBody = Schema.Struct({
  root_id: Schema.String,
  nodes: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      title: Schema.String,
      status: StatusName,
      status_detail: StatusName,
      parent_id: Schema.NullOr(Schema.String),
      parent_intent_id: Schema.NullOr(Schema.String),
      depends_on: Schema.Array(Schema.String)
    })
  ),
  edges: Schema.Array(
    Schema.Struct({ from: Schema.String, to: Schema.String, type: Schema.Literals(["parent", "dependency"]) })
  ),
  aggregate_status: Schema.Struct({
    total: count,
    by_status: Schema.Struct({
      draft: count,
      pending: Schema.optionalKey(count).annotate({ description: "Profile 2 only" }),
      active: count,
      blocked: count,
      completed: count,
      abandoned: count
    }),
    completion_percentage: count,
    blocking_intents: Schema.Array(Schema.String),
    ready_intents: Schema.Array(Schema.String)
  }),
  truncated: Schema.optionalKey(Schema.Boolean).annotate({
    description: "True where there are more than 20,000 nodes, of which these are the nearest"
  })
}).annotate({ identifier: "IntentGraph", description: "What is reached from an intent by children and dependencies" })
export interface GraphBody extends Schema.Schema.Type<typeof GraphBody> {}

const intents = Schema.Array(IntentBody)
const neighbours = { params: intentId, query: paging }

export class GraphApi extends HttpApiGroup.make("graph")
  .add(
    HttpApiEndpoint.post("createChild", "/api/v1/intents/:intentId/children", {
      params: intentId,
      payload: CreateIntentBody,
      success: IntentBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("children", "/api/v1/intents/:intentId/children", {
      ...neighbours,
      success: Schema.Struct({ children: intents, ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.get("descendants", "/api/v1/intents/:intentId/descendants", {
      ...neighbours,
      success: Schema.Struct({ descendants: intents, ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.get("ancestors", "/api/v1/intents/:intentId/ancestors", {
      ...neighbours,
      success: Schema.Struct({ ancestors: intents, ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.get("dependencies", "/api/v1/intents/:intentId/dependencies", {
      ...neighbours,
      success: Schema.Struct({ dependencies: intents, ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.get("dependents", "/api/v1/intents/:intentId/dependents", {
      ...neighbours,
      success: Schema.Struct({ dependents: intents, ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.get("ready", "/api/v1/intents/:intentId/ready", {
      ...neighbours,
      success: Schema.Struct({ ready: intents, ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.get("blocked", "/api/v1/intents/:intentId/blocked", {
      ...neighbours,
      success: Schema.Struct({ blocked: intents, ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.get("get", "/api/v1/intents/:intentId/graph", {
      params: intentId,
      success: GraphBody
    }).annotateMerge(reads),
    HttpApiEndpoint.post("addDependency", "/api/v1/intents/:intentId/dependencies", {
      params: intentId,
      headers: { "if-match": ifMatch },
      payload: AddDependencyBody,
      success: IntentBody,
      error: VersionConflict
    }).annotateMerge(writes),
    HttpApiEndpoint.delete("removeDependency", "/api/v1/intents/:intentId/dependencies/:dependencyId", {
      params: { ...intentId, dependencyId: Schema.String },
      headers: { "if-match": ifMatch },
      success: IntentBody,
      error: VersionConflict
    }).annotateMerge(writes)
  )
  .middleware(Access) {}
