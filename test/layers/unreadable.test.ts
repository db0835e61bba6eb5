import { assert, describe, it } from "@effect/vitest"
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import { startServer } from "../../src/layers/server.ts"

/** Sends bytes as they are, and answers all that comes back until the server closes the connection. */
const exchange = async (url: string, bytes: string): Promise<{ readonly head: string; readonly body: string }> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(bytes)
  const [head = "", body = ""] = (await text(socket)).split("\r\n\r\n")
  return { head, body }
}

describe("what is no HTTP request", () => {
  for (const [what, bytes, status, code] of [
    ["garbage", "garbage\r\n\r\n", "400", "bad_request"],
    [
      "a length that is none",
      "POST /api/v1/intents HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
      "400",
      "bad_request"
    ],
    [
      "headers without an end",
      `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`,
      "431",
      "headers_too_large"
    ]
  ] as const) {
    it(`http.md 1.3: ${what} is answered in JSON, and the server goes on`, async () => {
      await using server = await startServer({ storage: "memory:", port: 0 })
      const { body, head } = await exchange(server.url, bytes)
      assert.match(head, new RegExp(`^HTTP/1.1 ${status} `))
      assert.match(head, /content-type: application\/json/i)
      const { message, ...rest } = JSON.parse(body) as Record<string, unknown>
      assert.deepStrictEqual(rest, { code, detail: message })
      assert.strictEqual((await fetch(`${server.url}/health`)).status, 200)
    })
  }
})
