/** What a delivery is called and how it is signed (http.md 11.4, decision 24). Web Crypto is asynchronous, so these are effects. */
import * as Effect from "effect/Effect"
import { decodeBase64, encodeBase64, isBase64 } from "../base64.ts"
import type { LogEvent } from "../event/LogEvent.ts"

/** A secret that begins with it holds its key in base64 (Standard Webhooks). */
const prefix = "whsec_"

const secretBytes = 32

/** Not from `Random`, which may be seeded: who can tell the secret can sign. */
export const newSecret: Effect.Effect<string> = Effect.sync(
  () => prefix + encodeBase64(crypto.getRandomValues(new Uint8Array(secretBytes)))
)

const bytesOf = (text: string) => new TextEncoder().encode(text)

/** What is wrong with a secret that a subscriber brings. */
export const secretIssue = (secret: string): string | undefined => {
  if (!secret.startsWith(prefix)) return undefined
  const key = secret.slice(prefix.length)
  return key !== "" && isBase64(key) ? undefined : `must be base64 after ${prefix}`
}

/** The key of the Standard Webhooks headers. */
const standardKey = (secret: string) =>
  secret.startsWith(prefix) ? decodeBase64(secret.slice(prefix.length)) : bytesOf(secret)

const hmac = (key: Uint8Array<ArrayBuffer>, text: string): Effect.Effect<Uint8Array> =>
  Effect.promise(async () => {
    const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
    return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytesOf(text)))
  })

const hex = (bytes: Uint8Array): string => bytes.reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "")

/**
 * A UUID (version 8) of the subscription and the event alone, so that nothing has to be stored before the first attempt
 * for all attempts to share it. Begins with the event's time, which keeps the index of deliveries growing at its end.
 */
export const deliveryIdOf = (
  subscriptionId: string,
  { createdAt, id }: Pick<LogEvent, "id" | "createdAt">
): Effect.Effect<string> =>
  Effect.promise(async () => {
    const digest = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(`${subscriptionId} ${id}`))))
    const time = createdAt.epochMilliseconds.toString(16).padStart(12, "0")
    const variant = ((Number.parseInt(digest.charAt(3), 16) & 3) | 8).toString(16)
    return `${time.slice(0, 8)}-${time.slice(8)}-8${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`
  })

/** A header takes visible ASCII only; custom types may have more. */
const headerText = (text: string): string => text.replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent)

export interface Signed {
  readonly secret: string
  readonly deliveryId: string
  readonly eventType: string
  readonly attempt: number
  readonly epochMillis: number
  readonly body: string
}

/** The contract's headers, and those of Standard Webhooks. */
export const signedHeaders = ({
  attempt,
  body,
  deliveryId,
  epochMillis,
  eventType,
  secret
}: Signed): Effect.Effect<{ readonly [name: string]: string }> => {
  const seconds = Math.floor(epochMillis / 1000)
  return Effect.zipWith(
    hmac(bytesOf(secret), body),
    hmac(standardKey(secret), `${deliveryId}.${seconds}.${body}`),
    (own, standard) => ({
      "Content-Type": "application/json",
      "X-OpenIntent-Event": headerText(eventType),
      "X-OpenIntent-Delivery": deliveryId,
      "X-OpenIntent-Attempt": String(attempt),
      "X-OpenIntent-Signature": `sha256=${hex(own)}`,
      "webhook-id": deliveryId,
      "webhook-timestamp": String(seconds),
      "webhook-signature": `v1,${encodeBase64(standard)}`
    })
  )
}
