/**
 * A ticket desk that tells another system when a ticket is closed: signed, in order, and again when it was not heard.
 * Run it with Node 24: `node examples/webhooks.ts`, where `openintent` is installed (`npm run build` does it here).
 */
import { Duration } from "effect"
import { createHmac, timingSafeEqual } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import { text } from "node:stream/consumers"
import { setTimeout } from "node:timers/promises"
import { createEngine } from "openintent"

/** The other system, on this machine. It shares the secret, and is down for the first request. */
let secret = ""
const seen = new Set<string>()
const heard = Promise.withResolvers<void>()

const isSigned = (body: string, signature: string): boolean => {
  const expected = Buffer.from(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`)
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

const receive = async (request: IncomingMessage): Promise<number> => {
  const header = (name: string) => String(request.headers[`x-openintent-${name}`])
  const body = await text(request)
  if (!isSigned(body, header("signature"))) return 401
  if (header("attempt") === "1" && seen.size === 0) {
    console.log("receiver: not now")
    return 503
  }
  // The same delivery may come twice; its id tells.
  if (seen.has(header("delivery"))) return 200
  seen.add(header("delivery"))
  const { event } = JSON.parse(body) as { event: { payload: { new_status: string; reason: string } } }
  console.log(`receiver: ${header("event")} to ${event.payload.new_status}, ${event.payload.reason}`)
  if (seen.size === 2) heard.resolve()
  return 200
}

const receiver = createServer((request, response) => {
  void receive(request).then((status) => response.writeHead(status).end())
}).listen(0, "127.0.0.1")
await once(receiver, "listening")
const address = receiver.address()
const port = typeof address === "object" && address !== null ? address.port : 0

{
  // Private addresses are refused, unless the engine is told that they are meant.
  const webhooks = { allowedNetworks: ["127.0.0.0/8"], delay: Duration.millis(50) }
  await using engine = await createEngine({ storage: "memory:", agent: "desk", webhooks })

  // Of all tickets, the changes of status. The secret is shown this once.
  const subscription = await engine.subscriptions.create({
    webhookUrl: `http://127.0.0.1:${port}/tickets`,
    eventTypes: ["status_changed"]
  })
  secret = subscription.secret

  for (const [title, reason] of [
    ["Printer is out of paper", "refilled"],
    ["Printer is out of paper again", "on holiday"]
  ] as const) {
    const { id, version } = await engine.intents.create({ title })
    await engine.intents.setStatus(id, { version, status: reason === "refilled" ? "completed" : "abandoned", reason })
  }
  await heard.promise

  // What was sent stays on record: the first was heard at the second attempt.
  const delivered = async () => {
    const { items } = await engine.subscriptions.deliveries(subscription.id)
    return items.filter(({ status }) => status === "delivered")
  }
  while ((await delivered()).length < 2) await setTimeout(10)
  for (const { attempt, responseStatus, status } of await delivered()) {
    console.log(`delivery: ${status} with ${String(responseStatus)} at attempt ${attempt}`)
  }
}
receiver.close()
