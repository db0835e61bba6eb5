/** An embedded engine that delivers webhooks while it is written to. Takes a file, an intent and how much to write; prints the positions. */
import * as Duration from "effect/Duration"
import { createEngine } from "../../src/layers/createEngine.ts"

const [, , file = "", intentId = "", count = "0"] = process.argv

const engine = await createEngine({
  storage: `sqlite:${file}`,
  webhooks: {
    allowPrivate: true,
    delay: Duration.millis(5),
    delayMax: Duration.millis(20),
    lookInterval: Duration.millis(20),
    claimDuration: Duration.millis(300)
  }
})
for (let n = 0; n < Number(count); n++) {
  const { position } = await engine.events.append(intentId, { type: "comment" })
  process.stdout.write(`${position}\n`)
}
process.stdout.write("written\n")
