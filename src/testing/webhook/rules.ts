/** Webhooks: invariant 54 of semantics 10. */
import { canonical } from "../canonical.ts"
import type { Act, Trace } from "../scene.ts"
import type { Rule } from "../Suite.ts"
import type { World } from "./acts.ts"

const eventIdOf = (body: string): unknown => {
  const { event }: { readonly event?: { readonly id?: unknown } } = JSON.parse(body)
  return event?.id
}

const arrives: Rule<Trace<Act, World>> = {
  id: "54",
  title: "each matching event is acknowledged by the endpoint, in order, and signed over its raw body",
  family: "webhooks",
  *judge({ end: { delivered } }) {
    for (const { requests, scope, wanted } of delivered) {
      const ids = wanted.map((event) => event.id)
      const acknowledged = requests.filter((request) => request.isAcknowledged).map(({ body }) => eventIdOf(body))
      // Duplicates are allowed; what comes first of each counts.
      const first = [...new Set(acknowledged)]
      if (canonical(first) !== canonical(ids))
        yield `the subscription to ${canonical(scope)} got ${canonical(first)}, but must get ${canonical(ids)}`
      for (const { headers, isSigned } of requests) {
        const delivery = headers["x-openintent-delivery"]
        if (!isSigned) yield `delivery ${String(delivery)} is not signed by the secret of its subscription`
        if (headers["webhook-id"] !== delivery) yield `delivery ${String(delivery)} has another webhook-id`
      }
      const events = Map.groupBy(requests, ({ body }) => eventIdOf(body))
      for (const [event, several] of events) {
        const deliveries = new Set(several.map(({ headers }) => headers["x-openintent-delivery"]))
        if (deliveries.size !== 1) yield `${String(event)} came as ${deliveries.size} deliveries`
      }
    }
  }
}

export const rules: ReadonlyArray<Rule<Trace<Act, World>>> = [arrives]
