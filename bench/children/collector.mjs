/** A collector of OpenTelemetry that reads what it is sent and forgets it. */
import { createServer } from "node:http"

const server = createServer((request, response) => {
  request.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"))
  request.resume()
})
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`))
process.on("SIGTERM", () => process.exit(0))
