/** Sends webhooks with Node's own client: one connection a request, to an address that was looked at (http.md 11.4). */
import * as Effect from "effect/Effect"
import http, { type IncomingMessage, type RequestOptions } from "node:http"
import https from "node:https"
import { isIP, type LookupFunction } from "node:net"
import type { TargetPolicy } from "../../core/subscription/options.ts"
import { SendFailed, type WebhookAnswer, type WebhookSenderShape } from "../../core/subscription/WebhookSender.ts"
import { eventBody } from "../bodies.ts"
import { makeIsAllowed } from "./addresses.ts"
import { makeLookups, type Resolve, resolveByNode } from "./lookups.ts"

/** Of an answer's body, which nobody needs, this much is waited for, so that the endpoint can end it in peace. */
const bodyBytesMax = 16 * 1024

/** Stands for an address that is not allowed, on its way through Node. */
class Forbidden extends Error {}

const codeOf = (error: Error): string | undefined => ("code" in error ? String(error.code) : undefined)

const reasonOf = (error: Error): SendFailed["reason"] =>
  error instanceof Forbidden
    ? "forbidden"
    : codeOf(error) === "ENOTFOUND" || codeOf(error)?.startsWith("EAI_") === true
      ? "unresolved"
      : "unreachable"

/** The host of a URL without the brackets of IPv6. URLs write every form of an IPv4 address with four decimal numbers. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, "$1")

/**
 * A sender for this policy. Node connects to what `resolve` answers and to nothing else, so it is there that addresses
 * are refused: if one of a name is not allowed, the name is not. A literal address is not resolved; it is looked at first.
 */
export const makeSender = (policy: TargetPolicy, resolve: Resolve = resolveByNode): WebhookSenderShape => {
  const isAllowed = makeIsAllowed(policy)

  const refusal = (url: URL): string | undefined => {
    const host = hostOf(url)
    if (url.port === "0") return "must not have the port 0"
    return isIP(host) === 0 || isAllowed(host) ? undefined : "must not be a private or reserved address"
  }

  const lookups = makeLookups(resolve)

  /** For one request, which is forgotten when it is over. */
  const makeLookup = (): { readonly lookup: LookupFunction; readonly forget: () => void } => {
    let forget = (): void => undefined
    const lookup: LookupFunction = (hostname, options, found) => {
      forget = lookups(hostname, (error, addresses) => {
        if (error !== null) return found(error, "")
        const [first] = addresses
        if (first === undefined || !addresses.every(({ address }) => isAllowed(address)))
          return found(new Forbidden(), "")
        if (options.all === true) found(null, [...addresses])
        else found(null, first.address, first.family)
      })
    }
    return { lookup, forget: () => forget() }
  }

  const send: WebhookSenderShape["send"] = ({ body, headers, timeout, url: text }) =>
    Effect.suspend(() => {
      let answer: WebhookAnswer | undefined
      const url = URL.parse(text)
      const isOurs = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
      if (!isOurs || refusal(url) !== undefined) return Effect.fail(new SendFailed({ reason: "forbidden" }))
      const request = Effect.callback<WebhookAnswer, SendFailed>((resume) => {
        const failed = (error: Error) =>
          resume(
            answer === undefined ? Effect.fail(new SendFailed({ reason: reasonOf(error) })) : Effect.succeed(answer)
          )
        const answered = (response: IncomingMessage) => {
          answer = { status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] }
          let bytes = 0
          response.on("data", (chunk: Buffer) => {
            bytes += chunk.length
            if (bytes > bodyBytesMax) outgoing.destroy()
          })
          response.on("error", failed)
          response.on("close", () => failed(new Error("closed")))
        }
        const { forget, lookup } = makeLookup()
        const options: RequestOptions = {
          method: "POST",
          host: hostOf(url),
          port: url.port,
          path: url.pathname + url.search,
          headers: { ...headers, "Content-Length": Buffer.byteLength(body) },
          agent: false, // A connection of its own, whatever the environment says about proxies.
          lookup
        }
        const outgoing = (url.protocol === "https:" ? https : http).request(options, answered)
        outgoing.on("error", failed)
        outgoing.on("close", () => failed(new Error("closed")))
        outgoing.end(body)
        return Effect.sync(() => {
          forget()
          outgoing.destroy()
        })
      })
      return Effect.timeoutOrElse(request, {
        duration: timeout,
        // An answer whose body does not end is one all the same.
        orElse: () =>
          Effect.suspend(() =>
            answer === undefined ? Effect.fail(new SendFailed({ reason: "timeout" })) : Effect.succeed(answer)
          )
      })
    })

  return {
    refusal,
    body: (subscriptionId, event) => JSON.stringify({ subscription_id: subscriptionId, event: eventBody(event, 2) }),
    send
  }
}
