/** The comparison after a crash finds what it is there to find: each loss and each half is made by hand in a copy. */
import { assert, describe, it } from "@effect/vitest"
import { cpSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { createEngine } from "../../src/layers/createEngine.ts"
import { newFolder } from "../layers/processes.ts"
import type { Acknowledged } from "./Acknowledged.ts"
import { readStored } from "./stored.ts"
import { verify } from "./verify.ts"
import { initialState } from "./workload.ts"

/** A file with one change of each kind, and what was acknowledged of them. */
const write = async (file: string): Promise<ReadonlyArray<Acknowledged>> => {
  await using engine = await createEngine({ storage: `sqlite:${file}` })
  const { intents } = engine
  const { id } = await intents.create({ title: "Crash", status: "active", state: initialState })
  const patches = [{ op: "set", path: "/plan/step", value: 1 }] as const
  const patched = await intents.patchState(id, { version: 1, patches })
  const blocked = await intents.setStatus(id, { version: 2, status: "blocked" })
  const event = await engine.events.append(id, { type: "comment", payload: { note: 1 } })
  const lease = await engine.leases.acquire(id, { scope: "draft" })
  const released = await engine.leases.release(id, lease.id)
  return [
    ...[patched, blocked].map(({ id, state, status, version }) => ({
      kind: "intent" as const,
      id,
      version,
      state,
      status
    })),
    { kind: "event", id: event.id, intentId: id, position: event.position, payload: event.payload },
    ...[lease, released].map(({ agentId, fencingToken, id, intentId, scope, status }) => ({
      kind: "lease" as const,
      id,
      intentId,
      agentId,
      scope,
      status,
      fencingToken
    }))
  ]
}

const ofType = (type: string) => `(SELECT position FROM events WHERE type = '${type}' ORDER BY position DESC LIMIT 1)`

const faults: { readonly [name: string]: string } = {
  "an appended event is lost": `DELETE FROM events WHERE position = ${ofType("comment")}`,
  "a patch without its event": `DELETE FROM events WHERE position = ${ofType("state_patched")}`,
  "an event without its patch": `UPDATE intents SET body = json_set(body, '$.state.plan.step', 0)`,
  "a version that did not move": `UPDATE intents SET body = json_set(body, '$.version', 2)`,
  "a status without its event": `UPDATE intents SET status = 'active'`,
  "an intent without its row": `DELETE FROM intents`,
  "an intent without its log": `DELETE FROM events`,
  "a patch that is lost as a whole": `DELETE FROM events WHERE position = ${ofType("status_changed")};
    UPDATE intents SET status = 'active', body = json_set(body, '$.version', 2);
    UPDATE counters SET n = 1 WHERE key = 'intents/status/active'; DELETE FROM counters WHERE key = 'intents/status/blocked'`,
  "a lease without its row": `DELETE FROM leases`,
  "a grant without its event": `DELETE FROM events WHERE position = ${ofType("lease_acquired")}`,
  "a release that is lost as a whole": `UPDATE leases SET status = 'active'; DELETE FROM events WHERE position = ${ofType("lease_released")}`,
  "a counter that did not move": `UPDATE counters SET n = n + 1 WHERE key = 'intents/status/blocked'`
}

describe("crash: the comparison", () => {
  it("accepts what is whole, and finds each fault", async () => {
    const folder = newFolder()
    const file = join(folder, "whole.db")
    const acknowledged = await write(file)
    verify(readStored(file), acknowledged)
    for (const [name, sql] of Object.entries(faults)) {
      const broken = join(folder, "broken.db")
      cpSync(file, broken)
      const db = new DatabaseSync(broken)
      db.exec(`PRAGMA journal_mode = DELETE; ${sql}`)
      db.close()
      assert.throws(() => verify(readStored(broken), acknowledged), undefined, undefined, name)
    }
  })
})
