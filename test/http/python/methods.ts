/**
 * The methods of the Python clients as they send them (client.md 3), in the forms that differ: SEED (the README), PC (all
 * clients), `sync` and `async` (their two classes), 045, 050 and 017. One row a method; `classes.ts` reads the answers.
 */
import { assert } from "vitest"
import * as python from "./classes.ts"
import { type Reads, several, under } from "./classes.ts"

export const v1 = "/api/v1"

export interface Request {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  /** `If-Match`, of the intent of the table. */
  readonly version?: number
}

/** What the rows before have made. */
export interface Made {
  intent: string
  version: number
  parent: string
  dependency: string
  lease: string
  attachment: string
  subscription: string
  portfolio: string
}

type Row = readonly [
  method: string,
  form: string,
  request: (made: Made) => Request,
  reads: Reads,
  keep?: (body: any, made: Made) => void
]

export const get = (path: string): Request => ({ method: "GET", path: v1 + path })
export const post = (path: string, body: unknown, version?: number): Request => {
  const request = { method: "POST", path: v1 + path, body }
  return version === undefined ? request : { ...request, version }
}
export const put = (path: string, body: unknown): Request => ({ method: "PUT", path: v1 + path, body })
const patch = (path: string, body: unknown): Request => ({ method: "PATCH", path: v1 + path, body })
export const remove = (path: string): Request => ({ method: "DELETE", path: v1 + path })

const versionOf = (body: any, made: Made) => {
  made.version = body.version
}

export const agent = "mail-bot"
export const on = ({ intent }: Made) => `/intents/${intent}`

const intents: ReadonlyArray<Row> = [
  ["discover", "PC", () => ({ method: "GET", path: "/.well-known/openintent.json" }), python.raw],
  ["create_intent", "SEED", () => post("/intents", { title: "a", description: "", constraints: {} }), python.Intent],
  [
    "create_intent",
    "PC045/050",
    () => post("/intents", { title: "a", description: "", constraints: [], state: {}, created_by: agent }),
    python.Intent,
    (body, made) => (made.dependency = body.id)
  ],
  [
    "create_intent",
    "017 sync",
    ({ dependency }) =>
      post("/intents", {
        title: "a",
        description: "b",
        constraints: { max_cost: 3 },
        state: { seen: 12 },
        created_by: agent,
        depends_on: [dependency],
        governance_policy: { completion_mode: "auto" }
      }),
    python.Intent,
    (body, made) => (made.parent = body.id)
  ],
  [
    "create_intent",
    "017 async",
    ({ parent }) =>
      post("/intents", {
        title: "a",
        description: "b",
        constraints: {},
        state: {},
        created_by: agent,
        parent_intent_id: parent
      }),
    python.Intent,
    (body, made) => (made.intent = body.id)
  ],
  ["get_intent", "PC", (made) => get(on(made)), python.Intent],
  ["list_intents", "PC", () => get("/intents?limit=50&offset=0"), python.intents("intents")],
  ["list_intents", "PC, by status", () => get("/intents?limit=50&offset=0&status=blocked"), python.intents("intents")],
  [
    "update_state",
    "045",
    (made) => ({ ...patch(`${on(made)}/state`, { state: { "a/b": 1 } }), version: 1 }),
    (body) => {
      python.Intent(body)
      assert.deepStrictEqual(body.state, { "a/b": 1 })
    },
    versionOf
  ],
  [
    "update_state",
    "050+",
    (made) => post(`${on(made)}/state`, { patches: [{ op: "set", path: "c/d", value: null }] }, made.version),
    (body) => {
      python.Intent(body)
      assert.deepStrictEqual(body.state, { "a/b": 1, "c/d": null })
    },
    versionOf
  ],
  [
    "set_status",
    "045",
    (made) => ({ ...patch(`${on(made)}/state`, { status: "active" }), version: made.version }),
    python.Intent,
    versionOf
  ],
  [
    "set_status",
    "017",
    (made) => post(`${on(made)}/status`, { status: "blocked", reason: "waits" }, made.version),
    python.Intent,
    versionOf
  ],
  [
    "set_status",
    "050",
    (made) => post(`${on(made)}/status`, { status: "active" }, made.version),
    python.Intent,
    versionOf
  ]
]

const graph: ReadonlyArray<Row> = [
  [
    "create_child_intent",
    "SEED",
    (made) => post(`${on(made)}/children`, { title: "c", assign: "agent:writer" }),
    python.Intent
  ],
  [
    "create_child_intent",
    "PC045/050",
    (made) =>
      post(`${on(made)}/children`, {
        title: "c",
        description: "",
        constraints: [],
        state: {},
        parent_intent_id: made.intent,
        depends_on: []
      }),
    python.Intent
  ],
  ...["children", "descendants", "ancestors", "dependencies", "dependents", "ready", "blocked"].map((name): Row => [
    `get_${name}`,
    "PC sync",
    (made) => get(`${on(made)}/${name}`),
    python.intents(name)
  ]),
  [
    "get_intent_graph",
    "PC sync",
    (made) => get(`${on(made)}/graph`),
    under({ nodes: several(python.raw), edges: several(python.raw), aggregate_status: python.AggregateStatus })
  ],
  [
    "add_dependency",
    "PC sync",
    (made) => post(`${on(made)}/dependencies`, { dependency_id: made.dependency }, made.version),
    python.Intent,
    versionOf
  ],
  [
    "remove_dependency",
    "PC sync",
    (made) => ({ ...remove(`${on(made)}/dependencies/${made.dependency}`), version: made.version }),
    python.Intent,
    versionOf
  ]
]

const events: ReadonlyArray<Row> = [
  [
    "log_event",
    "045",
    (made) => post(`${on(made)}/events`, { event_type: "comment", payload: {} }),
    python.LegacyEvent
  ],
  [
    "log_event",
    "017",
    (made) =>
      post(`${on(made)}/events`, {
        event_type: "comment",
        payload: { text: "x" },
        actor: agent,
        trace_id: "t",
        parent_event_id: "p"
      }),
    python.Event
  ],
  ["get_events", "PC", (made) => get(`${on(made)}/events?limit=100`), under({ events: several(python.LegacyEvent) })],
  [
    "get_events",
    "PC, filtered",
    (made) => get(`${on(made)}/events?limit=5&event_type=comment&since=2020-01-01T01:02:03.456789`),
    (body) => {
      under({ events: several(python.LegacyEvent) })(body)
      assert.lengthOf(body.events, 2)
    }
  ]
]

const leases: ReadonlyArray<Row> = [
  [
    "acquire_lease",
    "PC",
    (made) => post(`${on(made)}/leases`, { scope: "data-processing", duration_seconds: 300 }),
    python.Lease,
    (body, made) => (made.lease = body.id)
  ],
  ["renew_lease", "PC", (made) => patch(`${on(made)}/leases/${made.lease}`, { duration_seconds: 600 }), python.Lease],
  [
    "get_leases",
    "PC",
    (made) => get(`${on(made)}/leases`),
    (body) => {
      under({ leases: several(python.Lease) })(body)
      assert.lengthOf(body.leases, 1)
    }
  ],
  ["release_lease", "PC", (made) => remove(`${on(made)}/leases/${made.lease}`), python.nothing],
  [
    "release_lease",
    "PC, at the end of `with` too",
    (made) => remove(`${on(made)}/leases/${made.lease}`),
    python.nothing
  ]
]

const governance: ReadonlyArray<Row> = [
  [
    "request_arbitration",
    "SEED",
    (made) => post(`${on(made)}/arbitrate`, { reason: "two plans" }),
    python.ArbitrationRequest
  ],
  [
    "request_arbitration",
    "PC",
    (made) => post(`${on(made)}/arbitrate`, { reason: "two plans", context: null }),
    python.ArbitrationRequest
  ],
  [
    "record_decision",
    "SEED",
    (made) => post(`${on(made)}/decisions`, { decision: "plan a", rationale: "cheaper" }),
    python.Decision
  ],
  [
    "record_decision",
    "PC",
    (made) => post(`${on(made)}/decisions`, { decision_type: "arbitration", outcome: "plan a", reasoning: "cheaper" }),
    (body) => {
      python.Decision(body)
      assert.deepInclude(body, { outcome: "plan a", reasoning: "cheaper", decision_maker_id: agent })
    }
  ],
  ["get_decisions", "PC", (made) => get(`${on(made)}/decisions`), under({ decisions: several(python.Decision) })]
]

const agents: ReadonlyArray<Row> = [
  ["assign_agent", "PC", (made) => post(`${on(made)}/agents`, { agent_id: "agent:writer" }), python.Assignment],
  ["unassign_agent", "PC", (made) => remove(`${on(made)}/agents/agent:writer`), python.nothing]
]

const attachments: ReadonlyArray<Row> = [
  [
    "add_attachment",
    "SEED",
    (made) =>
      post(`${on(made)}/attachments`, {
        filename: "a.txt",
        content_type: "text/plain",
        content_base64: "aGk=",
        description: "says hi"
      }),
    python.Attachment
  ],
  [
    "add_attachment",
    "PC sync",
    (made) =>
      post(`${on(made)}/attachments`, {
        filename: "b.pdf",
        mime_type: "application/pdf",
        size: 7,
        storage_url: "https://files.example/b.pdf",
        metadata: null
      }),
    python.Attachment,
    (body, made) => (made.attachment = body.id)
  ],
  [
    "add_attachment",
    "PC async",
    (made) =>
      post(`${on(made)}/attachments`, {
        filename: "c.pdf",
        content_type: "application/pdf",
        url: "https://files.example/c.pdf",
        size_bytes: 0
      }),
    python.Attachment
  ],
  [
    "get_attachments",
    "PC",
    (made) => get(`${on(made)}/attachments`),
    under({ attachments: several(python.Attachment) })
  ],
  ["delete_attachment", "PC", (made) => remove(`${on(made)}/attachments/${made.attachment}`), python.nothing]
]

const subscriptions: ReadonlyArray<Row> = [
  [
    "subscribe",
    "PC sync",
    (made) =>
      post("/subscriptions", {
        intent_id: made.intent,
        portfolio_id: null,
        subscriber_id: agent,
        event_types: null,
        webhook_url: null,
        expires_at: null
      }),
    python.Subscription,
    (body, made) => (made.subscription = body.id)
  ],
  [
    "subscribe",
    "PC async",
    (made) =>
      post("/subscriptions", {
        intent_id: made.intent,
        portfolio_id: null,
        subscriber_id: agent,
        event_types: ["comment"],
        webhook_url: "https://hooks.example/a",
        expires_at: "2999-05-06T07:08:09.123456"
      }),
    python.Subscription
  ],
  [
    "subscribe",
    "SEED",
    (made) =>
      post(`${on(made)}/subscriptions`, {
        subscriber_id: agent,
        callback_url: "https://hooks.example/b",
        event_types: ["status_changed"]
      }),
    (body) => {
      python.Subscription(body)
      assert.strictEqual(body.callback_url, "https://hooks.example/b")
    }
  ],
  [
    "get_subscriptions",
    "PC",
    (made) => get(`/subscriptions?intent_id=${made.intent}`),
    (body) => {
      under({ subscriptions: several(python.Subscription) })(body)
      assert.lengthOf(body.subscriptions, 3)
    }
  ],
  [
    "get_subscriptions",
    "SEED",
    (made) => get(`${on(made)}/subscriptions`),
    under({ subscriptions: several(python.Subscription) })
  ],
  ["unsubscribe", "PC", (made) => remove(`/subscriptions/${made.subscription}`), python.nothing]
]

const costs: ReadonlyArray<Row> = [
  [
    "record_cost",
    "SEED, PC sync",
    (made) =>
      post(`${on(made)}/costs`, {
        agent_id: agent,
        cost_type: "tokens",
        amount: 0.05,
        unit: "USD",
        provider: "openai",
        metadata: { model: "m" }
      }),
    (body) => {
      python.Cost(body)
      assert.deepStrictEqual([body.metadata, body.cost_metadata], [{ model: "m" }, { model: "m" }])
    }
  ],
  [
    "record_cost",
    "PC async",
    (made) =>
      post(`${on(made)}/costs`, { cost_type: "tokens", amount: 3, unit: "tokens", provider: null, metadata: null }),
    python.Cost
  ],
  [
    "get_costs",
    "PC",
    (made) => get(`${on(made)}/costs`),
    under({ costs: several(python.Cost), summary: python.CostSummary })
  ],
  ["get_cost_summary", "SEED", (made) => get(`${on(made)}/costs/summary`), python.CostSummary]
]

const retries: ReadonlyArray<Row> = [
  [
    "set_retry_policy",
    "SEED",
    (made) =>
      put(`${on(made)}/retry-policy`, {
        max_attempts: 4,
        base_delay_seconds: 0.5,
        max_delay_seconds: 9,
        backoff_multiplier: 2,
        retryable_errors: ["Timeout"]
      }),
    (body) => {
      python.RetryPolicy(body)
      assert.deepInclude(body, { max_retries: 3, base_delay_ms: 500, max_delay_ms: 9000 })
    }
  ],
  [
    "set_retry_policy",
    "PC sync",
    (made) =>
      put(`${on(made)}/retry-policy`, {
        strategy: "exponential",
        max_retries: 3,
        base_delay_ms: 1000,
        max_delay_ms: 60_000,
        fallback_agent_id: null,
        failure_threshold: 3
      }),
    python.RetryPolicy
  ],
  [
    "set_retry_policy",
    "PC async",
    (made) =>
      put(`${on(made)}/retry-policy`, {
        strategy: "linear",
        max_retries: 3,
        base_delay_ms: 1000,
        max_delay_ms: 30_000,
        fallback_agent_id: "agent:spare"
      }),
    python.RetryPolicy
  ],
  ["get_retry_policy", "PC", (made) => get(`${on(made)}/retry-policy`), python.RetryPolicy],
  [
    "record_failure",
    "SEED",
    (made) =>
      post(`${on(made)}/failures`, { error_type: "Timeout", error_message: "late", attempt: 1, will_retry: true }),
    python.Failure
  ],
  [
    "record_failure",
    "PC sync",
    (made) =>
      post(`${on(made)}/failures`, {
        agent_id: agent,
        attempt_number: 2,
        error_code: "Timeout",
        error_message: null,
        retry_scheduled_at: null,
        metadata: null
      }),
    python.Failure
  ],
  [
    "record_failure",
    "PC async",
    (made) =>
      post(`${on(made)}/failures`, {
        error_type: "Timeout",
        error_message: "late",
        recoverable: false,
        metadata: { a: 1 }
      }),
    (body) => {
      python.Failure(body)
      assert.deepInclude(body, { error_code: "Timeout", will_retry: false, metadata: { a: 1 } })
    }
  ],
  ["get_failures", "PC", (made) => get(`${on(made)}/failures`), under({ failures: several(python.Failure) })]
]

const portfolios: ReadonlyArray<Row> = [
  [
    "create_portfolio",
    "PC045/050",
    () =>
      post("/portfolios", {
        name: "p",
        description: null,
        createdBy: "somebody",
        governancePolicy: { require_all_completed: true },
        metadata: {}
      }),
    (body) => {
      python.Portfolio(body)
      assert.deepInclude(body, { created_by: "somebody", governance_policy: { require_all_completed: true } })
    }
  ],
  [
    "create_portfolio",
    "017",
    () =>
      post("/portfolios", { name: "p", description: null, created_by: agent, governance_policy: {}, metadata: null }),
    python.Portfolio,
    (body, made) => (made.portfolio = body.id)
  ],
  [
    "add_intent_to_portfolio",
    "PC",
    (made) => post(`/portfolios/${made.portfolio}/intents`, { intent_id: made.intent, role: "primary", priority: 0 }),
    python.Membership
  ],
  ["get_portfolio", "PC", (made) => get(`/portfolios/${made.portfolio}`), python.PortfolioWithMembers],
  ["list_portfolios", "PC", () => get("/portfolios"), under({ portfolios: several(python.Portfolio) })],
  [
    "list_portfolios",
    "PC, by creator",
    () => get(`/portfolios?created_by=${agent}`),
    under({ portfolios: several(python.Portfolio) })
  ],
  [
    "get_portfolio_intents",
    "PC",
    (made) => get(`/portfolios/${made.portfolio}/intents`),
    under({ intents: python.members, aggregate_status: python.AggregateStatus })
  ],
  [
    "get_intent_portfolios",
    "PC",
    (made) => get(`${on(made)}/portfolios`),
    (body) => {
      under({ portfolios: several(python.Portfolio) })(body)
      assert.lengthOf(body.portfolios, 1)
    }
  ],
  [
    "update_portfolio_status",
    "PC",
    (made) => patch(`/portfolios/${made.portfolio}/status`, { status: "completed" }),
    python.PortfolioWithMembers
  ],
  [
    "remove_intent_from_portfolio",
    "PC",
    (made) => remove(`/portfolios/${made.portfolio}/intents/${made.intent}`),
    python.nothing
  ]
]

const called = { tool_name: "search", tool_id: "t", arguments: { q: "x" } }
const model = { provider: "openai", model: "m" }
const asked = { request_id: "r", ...model, messages_count: 2 }
const streamed = { stream_id: "s", ...model }

/** client.md 3.13: the names of the events and what is in their payloads. */
const logged: ReadonlyArray<readonly [method: string, type: string, payload: object]> = [
  ["log_tool_call_started", "tool_call_started", { ...called, ...model, parent_request_id: "r" }],
  ["log_tool_call_completed", "tool_call_completed", { ...called, ...model, result: [1, null], duration_ms: 5 }],
  ["log_tool_call_failed", "tool_call_failed", { ...called, ...model, error: "Timeout: late", duration_ms: 5 }],
  ["log_llm_request_started", "llm_request_started", { ...asked, stream: false, started_at: "2031-05-06T07:08:09.1" }],
  ["log_llm_request_completed", "llm_request_completed", { ...asked, response_content: null, total_tokens: 3 }],
  ["log_llm_request_failed", "llm_request_failed", { ...asked, error: "Timeout: late", duration_ms: null }],
  ["start_stream", "stream_started", streamed],
  ["log_stream_chunk", "stream_chunk", { stream_id: "s", chunk_index: 1, token_count: 1 }],
  ["complete_stream", "stream_completed", { ...streamed, chunks_received: 1, tokens_streamed: 1 }],
  ["cancel_stream", "stream_cancelled", { ...streamed, cancel_reason: null, chunks_received: 0, tokens_streamed: 0 }]
]

const observability = logged.flatMap(([method, event_type, payload]): ReadonlyArray<Row> => {
  const reads: Reads = (body) => {
    python.LegacyEvent(body)
    assert.deepStrictEqual(body.payload, payload)
  }
  return [
    [method, "045/050", (made) => post(`${on(made)}/events`, { event_type, payload }), reads],
    [method, "017", (made) => post(`${on(made)}/events`, { event_type, payload, actor: agent }), reads]
  ]
})

/** In this order: rows use what those before have made. */
export const sections: { readonly [name: string]: ReadonlyArray<Row> } = {
  "3.1, 3.2 discovery and intents": intents,
  "3.3 graph": graph,
  "3.4 events": events,
  "3.5 leases": leases,
  "3.6 governance": governance,
  "3.7 agents": agents,
  "3.8 attachments": attachments,
  "3.9 subscriptions": subscriptions,
  "3.10 costs": costs,
  "3.11 retry": retries,
  "3.12 portfolios": portfolios,
  "3.13 observability": observability
}
