import { describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { memory } from "../../src/layers/memory.ts"
import { remote } from "../../src/layers/remote.ts"
import { OpenIntentServer } from "../../src/layers/server.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { holdAll } from "./kit.ts"
import { delivering, sink } from "./sink.ts"

const server = (engine: ReturnType<typeof memory> | ReturnType<typeof sqlite>) =>
  OpenIntentServer.layer({ port: 0 }).pipe(Layer.provide(engine), Layer.provide(Logger.layer([])))

/** The remote engine, over a real socket, to a server of this engine. */
const overHttp = (engine: Parameters<typeof server>[0]) =>
  Layer.unwrap(
    Effect.map(Layer.build(server(engine)), (context) =>
      remote({
        url: HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address),
        apiKey: "dev-user-key"
      })
    )
  )

/** Real seconds pass where leases expire, so many programs run at the same time. */
const hold = (engine: ReturnType<typeof overHttp>) =>
  Effect.flatMap(sink, (sink) => holdAll({ runs: 16, concurrency: 16, sink })).pipe(
    Effect.provide(engine),
    Effect.scoped
  )

describe("invariants: HTTP", () => {
  it.live("all hold over memory", () => hold(overHttp(memory(delivering))), 600_000)

  it.live(
    "all hold over SQLite",
    () => hold(Layer.unwrap(Effect.map(temporaryFile, (path) => overHttp(sqlite(path, delivering))))),
    600_000
  )
})
