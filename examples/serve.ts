import { connect } from "openintent"
import { startServer } from "openintent/server"

await using server = await startServer({ storage: "sqlite:./work.db", port: 0 })
await using engine = await connect({ url: server.url, apiKey: "dev-user-key", agent: "writer" })
const { id } = await engine.intents.create({ title: "Report on tides" })
for await (const event of engine.events.follow({ intentId: id, after: 0 })) {
  console.log(event.type, "by", event.actor)
  break
}
