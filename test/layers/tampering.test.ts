/** Changes of the file behind the engine: each is found, with the place where the log is no longer what was sealed. */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Verification } from "openintent"
import { afterAll } from "vitest"
import { createEngine } from "../../src/layers/createEngine.ts"
import { newFolder, node, root, run } from "./processes.ts"

/** Events of each intent beside its creation: two full rows of seals, and some in the last one. */
const appended = 70

interface Found {
  readonly kind: string
  readonly sequence: number
}

interface Change {
  readonly name: string
  /** Changes the file; `positions` are those of the intent, `other` is another intent. Gives what is to be found. */
  readonly tamper: (
    database: DatabaseSync,
    intentId: string,
    positions: ReadonlyArray<number>,
    other: { readonly id: string; readonly positions: ReadonlyArray<number> }
  ) => Found | undefined
}

const at = (positions: ReadonlyArray<number>, index: number): number => positions.at(index) ?? assert.fail()

const changing =
  (assignment: string, index = 10): Change["tamper"] =>
  (database, _, positions) => {
    const sequence = at(positions, index)
    const { changes } = database.prepare(`UPDATE events SET ${assignment} WHERE position = ?`).run(sequence)
    assert.strictEqual(changes, 1)
    return { kind: "changed", sequence }
  }

const changes: ReadonlyArray<Change> = [
  { name: "nothing", tamper: () => undefined },
  { name: "a payload", tamper: changing(`body = json_set(body, '$.payload.n', -1)`) },
  { name: "the last payload", tamper: changing(`body = json_set(body, '$.payload.n', -1)`, -1) },
  { name: "an actor", tamper: changing(`body = json_set(body, '$.actor', 'eve')`) },
  {
    name: "a time, by a millisecond",
    tamper: changing(`body = json_set(body, '$.createdAt', body ->> '$.createdAt' + 1)`)
  },
  { name: "a source", tamper: changing(`body = json_set(body, '$.source', 'system')`) },
  { name: "a trace", tamper: changing(`body = json_set(body, '$.traceId', 't')`) },
  { name: "a type", tamper: changing(`type = 'decision_recorded'`) },
  { name: "an id", tamper: changing(`id = id || 'x'`, 0) },
  { name: "a body that is no JSON any more", tamper: changing(`body = '{'`, 40) },
  {
    name: "a removed event",
    tamper: (database, _, positions) => {
      database.prepare("DELETE FROM events WHERE position = ?").run(at(positions, 20))
      return { kind: "removed", sequence: at(positions, 20) }
    }
  },
  {
    name: "the first event removed",
    tamper: (database, _, positions) => {
      database.prepare("DELETE FROM events WHERE position = ?").run(at(positions, 0))
      return { kind: "removed", sequence: at(positions, 0) }
    }
  },
  {
    name: "a cut tail",
    tamper: (database, intentId, positions) => {
      database.prepare("DELETE FROM events WHERE intent_id = ? AND position >= ?").run(intentId, at(positions, -3))
      return { kind: "tail_removed", sequence: at(positions, -3) }
    }
  },
  {
    name: "all events removed",
    tamper: (database, intentId, positions) => {
      database.prepare("DELETE FROM events WHERE intent_id = ?").run(intentId)
      return { kind: "tail_removed", sequence: at(positions, 0) }
    }
  },
  {
    name: "all events removed with their seals",
    tamper: (database, intentId) => {
      database.prepare("DELETE FROM events WHERE intent_id = ?").run(intentId)
      database.prepare("DELETE FROM seals WHERE intent_id = ?").run(intentId)
      database.prepare("DELETE FROM seal_heads WHERE id = ?").run(intentId)
      return { kind: "tail_removed", sequence: 0 }
    }
  },
  {
    name: "an event put in",
    tamper: (database, intentId, positions, other) => {
      const position = at(other.positions, 30)
      database.prepare("UPDATE events SET intent_id = ? WHERE position = ?").run(intentId, position)
      assert.isFalse(positions.includes(position))
      return { kind: "added", sequence: position }
    }
  },
  {
    name: "two events swapped",
    tamper: (database, _, positions) => {
      const body = database.prepare("SELECT body FROM events WHERE position = ?")
      const [one, two] = [at(positions, 15), at(positions, 16)].map((position) => body.get(position)?.["body"] ?? null)
      const put = database.prepare("UPDATE events SET body = ? WHERE position = ?")
      put.run(two ?? null, at(positions, 15))
      put.run(one ?? null, at(positions, 16))
      return { kind: "changed", sequence: at(positions, 15) }
    }
  },
  {
    name: "a changed seal",
    tamper: (database, intentId, positions) => {
      const sql = `UPDATE seals SET body = json_set(body, '$.digests', 'A' || substr(body ->> '$.digests', 2))
        WHERE intent_id = ? AND first = ?`
      assert.strictEqual(database.prepare(sql).run(intentId, at(positions, 32)).changes, 1)
      return { kind: "changed", sequence: at(positions, 32) }
    }
  },
  {
    name: "positions in a seal changed",
    tamper: (database, intentId, positions) => {
      const sql = `UPDATE seals SET body = json_set(body, '$.positions[3]', 'x') WHERE intent_id = ? AND first = ?`
      assert.strictEqual(database.prepare(sql).run(intentId, at(positions, 0)).changes, 1)
      return { kind: "chain", sequence: at(positions, 3) }
    }
  },
  {
    name: "the first seals removed",
    tamper: (database, intentId, positions) => {
      database.prepare("DELETE FROM seals WHERE intent_id = ? AND first = ?").run(intentId, at(positions, 0))
      return { kind: "chain", sequence: at(positions, 0) }
    }
  },
  {
    name: "seals in the middle removed",
    tamper: (database, intentId, positions) => {
      database.prepare("DELETE FROM seals WHERE intent_id = ? AND first = ?").run(intentId, at(positions, 32))
      return { kind: "chain", sequence: at(positions, 32) }
    }
  },
  {
    name: "the last seals removed",
    tamper: (database, intentId, positions) => {
      database.prepare("DELETE FROM seal_heads WHERE id = ?").run(intentId)
      return { kind: "chain", sequence: at(positions, 64) }
    }
  },
  {
    name: "all seals removed",
    tamper: (database, intentId, positions) => {
      database.prepare("DELETE FROM seals WHERE intent_id = ?").run(intentId)
      database.prepare("DELETE FROM seal_heads WHERE id = ?").run(intentId)
      return { kind: "chain", sequence: at(positions, 0) }
    }
  },
  {
    name: "the intent removed with its events",
    tamper: (database, intentId, positions) => {
      database.prepare("DELETE FROM intents WHERE id = ?").run(intentId)
      database.prepare("DELETE FROM events WHERE intent_id = ?").run(intentId)
      return { kind: "tail_removed", sequence: at(positions, 0) }
    }
  }
]

interface Case {
  readonly name: string
  readonly id: string
  readonly found: Found | undefined
}

const folder = mkdtempSync(join(tmpdir(), "openintent-"))
const whole = join(folder, "whole.db")
const half = join(folder, "half.db")
const tampered = join(folder, "tampered.db")
const positionsOf = new Map<string, ReadonlyArray<number>>()
const cases: Array<Case> = []
let heads: ReadonlyArray<Verification> = []
let donor = ""

type Engine = Awaited<ReturnType<typeof createEngine>>

const sealed = async (engine: Engine, ids: ReadonlyArray<string>): Promise<ReadonlyArray<Verification>> => {
  for (;;) {
    const found = await Promise.all(ids.map((id) => engine.events.verify(id)))
    if (found.every(({ unsealedCount }) => unsealedCount === 0)) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Looks and does nothing else. */
const looking = (file: string) => createEngine({ storage: `sqlite:${file}`, sealEvents: false })

const using = <A>(file: string, use: (database: DatabaseSync) => A): A => {
  const database = new DatabaseSync(file)
  try {
    return use(database)
  } finally {
    database.close()
  }
}

beforeAll(async () => {
  const engine = await createEngine({ storage: `sqlite:${whole}` })
  const intents = await Promise.all([...changes, "donor"].map(() => engine.intents.create({ title: "t" })))
  const ids = intents.map(({ id }) => id)
  const append = async (from: number, to: number) => {
    for (let n = from; n < to; n++)
      await Promise.all(ids.map((id) => engine.events.append(id, { type: "comment", payload: { n, id } })))
  }
  await append(0, 50)
  const [first = ""] = ids
  await sealed(engine, ids)
  using(whole, (database) => database.exec(`VACUUM INTO '${half}'`))
  await append(50, appended)
  heads = await sealed(engine, ids)
  for (const id of ids) {
    const { items } = await engine.events.list(id, { order: "asc" })
    positionsOf.set(
      id,
      items.map(({ position }) => position)
    )
  }
  await engine.close()
  assert.isTrue(heads.every(({ valid }) => valid))
  assert.strictEqual(positionsOf.get(first)?.length, appended + 1)
  donor = ids.at(-1) ?? ""
  copyFileSync(whole, tampered)
  using(tampered, (database) => {
    for (const [i, { name, tamper }] of changes.entries()) {
      const id = ids[i] ?? assert.fail()
      const other = { id: donor, positions: positionsOf.get(donor) ?? [] }
      cases.push({ name, id, found: tamper(database, id, positionsOf.get(id) ?? [], other) })
    }
  })
  cases.push({
    name: "an event taken away",
    id: donor,
    found: { kind: "removed", sequence: at(positionsOf.get(donor) ?? [], 30) }
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const brief = (broken: Verification["break"]) => broken && { kind: broken.kind, sequence: broken.sequence }

describe("a file that was changed behind the engine", () => {
  it("is found out by events.verify: the first event of each intent that is not as it was sealed", async () => {
    const engine = await looking(tampered)
    for (const { found, id, name } of cases) {
      const verified = await engine.events.verify(id)
      assert.deepStrictEqual({ name, break: brief(verified.break) }, { name, break: found ?? null })
      assert.strictEqual(verified.valid, found === undefined, name)
      assert.isTrue(verified.head === null || found === undefined || verified.head.sequence < found.sequence, name)
      // In parts too, wherever they end.
      for (const limit of [7, 32]) {
        let part = await engine.events.verify(id, { limit })
        while (part.next !== undefined) part = await engine.events.verify(id, { limit, after: part.next })
        assert.deepStrictEqual({ name, limit, break: brief(part.break) }, { name, limit, break: found ?? null })
      }
    }
    await engine.close()
  })

  it("is found out by openintent verify, which names each and ends with 1", async () => {
    const args = [join(root, "src/layers/bin/openintent.ts"), "verify", "--database-url", `sqlite:${tampered}`]
    const [text, json] = await Promise.all([run(node, args).ended, run(node, [...args, "--json"]).ended])
    assert.deepStrictEqual([text.code, text.stderr, json.code, json.stderr], [1, "", 1, ""])
    const broken = cases.filter(({ found }) => found !== undefined)
    const lines = text.stdout.trim().split("\n")
    assert.match(
      lines.pop() ?? "",
      new RegExp(`^${cases.length} intents, .*: ${broken.length} not as they were sealed`)
    )
    assert.deepStrictEqual(
      lines.map((line) => line.replace(/(at \d+).*/, "$1")).toSorted(),
      broken.map(({ found, id }) => `${id}: ${found?.kind} at ${found?.sequence}`).toSorted()
    )
    const documents = json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    assert.deepInclude(documents.pop(), { valid: false, intents: cases.length, broken: broken.length })
    for (const { found, id } of cases) {
      const document = documents.find((one) => one.intent_id === id)
      assert.strictEqual(document.chain_valid, found === undefined)
      assert.deepStrictEqual(brief(document.break), found ?? null)
    }
  })

  it("is found out although how far it is sealed was set back, or forgotten", async () => {
    for (const sql of [`UPDATE sealed SET body = '{"through":100}'`, "DELETE FROM sealed"]) {
      const file = join(newFolder(), "set-back.db")
      copyFileSync(whole, file)
      using(file, (database) => database.exec(sql))
      const engine = await looking(file)
      const found = await engine.events.verify(donor)
      assert.strictEqual(found.break?.kind, "chain", sql)
      await engine.close()
    }
  })

  it("shows an older copy in its place to who has noted a head, and to nobody else", async () => {
    const noted = heads.at(-1)?.head ?? assert.fail()
    const [now, then] = [await looking(whole), await looking(half)]
    assert.isTrue((await now.events.verify(donor, { expect: noted })).valid)
    assert.isTrue((await then.events.verify(donor)).valid)
    assert.deepStrictEqual((await then.events.verify(donor, { expect: noted })).break, {
      kind: "tail_removed",
      sequence: noted.sequence,
      expected: noted.hash,
      found: undefined
    })
    await Promise.all([now.close(), then.close()])
    const point = `${noted.sequence}:${noted.hash}`
    const verify = (file: string, ...args: ReadonlyArray<string>) =>
      run(node, [join(root, "src/layers/bin/openintent.ts"), "verify", ...args, "--database-url", `sqlite:${file}`])
        .ended
    const [good, rolledBack, unknown, useless] = await Promise.all([
      verify(whole, donor, "--expect", point),
      verify(half, donor, "--expect", point),
      verify(whole, "no-intent"),
      verify(whole, donor, "--expect", "7")
    ])
    assert.strictEqual(good.code, 0, good.stderr)
    assert.include(good.stdout, `${donor}: ok, ${appended + 1} events, head ${point}\n`)
    assert.strictEqual(rolledBack.code, 1)
    assert.include(rolledBack.stdout, `${donor}: tail_removed at ${noted.sequence}: expected ${noted.hash}`)
    assert.deepStrictEqual([unknown.code, unknown.stderr], [2, "openintent: there is no intent no-intent\n"])
    assert.strictEqual(useless.code, 2)
  })
})
