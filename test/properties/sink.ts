/** An endpoint for the webhooks of the kit: every third request of each path is refused once before it is taken. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import type { Sink, SinkRequest } from "../../src/testing/index.ts"

const listening = (requests: Array<SinkRequest>) => {
  const server = createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (text: string) => (body += text))
    request.on("end", () => {
      const path = request.url ?? ""
      const earlier = requests.filter((one) => one.path === path).length
      const isAcknowledged = earlier % 3 !== 0
      requests.push({ path, headers: request.headers, body, isAcknowledged })
      response.writeHead(isAcknowledged ? 204 : 503).end()
    })
  })
  return new Promise<typeof server>((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)))
}

const requests: Array<SinkRequest> = []

/** On a free port of the loopback interface. */
export const sink = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => listening(requests)),
    (server) => Effect.sync(() => server.close())
  ),
  (server): Sink => {
    const address = server.address()
    const port = typeof address === "object" ? address?.port : 0
    return { url: `http://127.0.0.1:${port}`, requests: () => requests }
  }
)

/** Of an engine that delivers to it, and soon tries again. */
export const delivering = {
  webhooks: { allowPrivate: true, delay: Duration.millis(20), lookInterval: Duration.millis(100) }
}
