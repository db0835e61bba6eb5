/** Fields by the engine's names and by those on the wire. */

/** Names of fields that are not simply the snake_case of the engine's. */
const wireNames: { readonly [name: string]: string } = {
  type: "event_type",
  duration: "duration_seconds",
  ttl: "ttl_seconds",
  baseDelay: "base_delay_ms",
  maxDelay: "max_delay_ms",
  afterPosition: "after_sequence",
  leaseToken: "X-Lease-Token",
  idempotencyKey: "Idempotency-Key"
}

/** `parentIntentId` as `parent_intent_id`, `patches[0].path` as it is: only the first name is the engine's own. */
export const wireField = (field: string): string =>
  field.replace(/^[A-Za-z]+/, (name) =>
    Object.hasOwn(wireNames, name)
      ? String(wireNames[name])
      : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  )

/** The way back, for the remote engine. */
export const engineField = (field: string): string =>
  field.replace(/^[A-Za-z_-]+/, (name) => {
    const own = Object.keys(wireNames).find((key) => wireNames[key] === name)
    return own ?? name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  })
