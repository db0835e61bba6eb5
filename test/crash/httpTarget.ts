/** A server as the target of the workload: each agent has a connection of its own. */
import type { IntentBody, LeaseBody } from "../../src/http/wire.ts"
import { EventBody } from "../../src/http/wire.ts"
import * as Schema from "effect/Schema"
import { type Answer, HttpClient, intentOf, leaseOf } from "../races/HttpClient.ts"
import type { AcknowledgedIntent, AcknowledgedLease } from "./Acknowledged.ts"
import { initialState, type Target } from "./workload.ts"

const intent = ({ id, state, status, version }: IntentBody): AcknowledgedIntent => ({
  kind: "intent",
  id,
  version,
  status,
  state
})

const lease = ({ agent_id, fencing_token, id, intent_id, scope, status }: LeaseBody): AcknowledgedLease => ({
  kind: "lease",
  id,
  intentId: intent_id,
  agentId: agent_id,
  scope,
  status,
  fencingToken: fencing_token
})

const eventBody = Schema.decodeUnknownSync(EventBody)
const released = Schema.decodeUnknownSync(Schema.Struct({ lease: Schema.Unknown }))

/** Undefined if somebody else was first. */
const unlessConflict = <A>(answer: Answer, read: (answer: Answer) => A): A | undefined =>
  answer.status === 409 ? undefined : read(answer)

export const httpTarget = (url: string): Target & Disposable => {
  const clients = new Map<string, HttpClient>()
  const clientOf = (agent: string) => {
    const known = clients.get(agent) ?? new HttpClient(url, agent)
    clients.set(agent, known)
    return known
  }
  return {
    create: async (agent) =>
      intent(intentOf(await clientOf(agent).createIntent({ title: "Crash", status: "active", state: initialState }))),
    get: async (id) => intent(intentOf(await clientOf("reader").getIntent(id))),
    patch: async (agent, on, patches) =>
      unlessConflict(await clientOf(agent).patchState(on.id, on.version, patches), (answer) =>
        intent(intentOf(answer))
      ),
    setStatus: async (agent, on, status) =>
      unlessConflict(await clientOf(agent).setStatus(on.id, on.version, status), (answer) => intent(intentOf(answer))),
    append: async (agent, id, note) => {
      const { body } = await clientOf(agent).append(id, { event_type: "comment", payload: { note } })
      const event = eventBody(body)
      return { kind: "event", id: event.id, intentId: id, position: event.sequence, payload: event.payload }
    },
    acquire: async (agent, id, scope) =>
      unlessConflict(await clientOf(agent).acquire(id, scope), (answer) => lease(leaseOf(answer))),
    release: async (agent, id, leaseId) => {
      const { body, status } = await clientOf(agent).release(id, leaseId)
      return lease(leaseOf({ status, body: released(body).lease }))
    },
    [Symbol.dispose]: () => {
      for (const client of clients.values()) client[Symbol.dispose]()
    }
  }
}
