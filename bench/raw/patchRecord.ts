/** What the engine writes for one state patch, taken from a recording of it. */
import { createIntents, patcher, callers, withEngine, type EngineRun } from "../engine/EngineRun.ts"
import { type Recorded, recording } from "./recorder.ts"

/** One intent and its event, as rows with their strings ready made. */
export interface PatchRow {
  readonly intentId: string
  readonly body: string
  readonly event: ReadonlyArray<string | number>
}

/** Plain data, so that it can be handed to another process. */
export interface PatchRecord {
  readonly pragmas: string
  readonly begin: string
  readonly commit: string
  /** Takes next revision, body, id, expected revision. */
  readonly update: string
  /** Takes the values of `event`. */
  readonly insert: string
  readonly rows: ReadonlyArray<PatchRow>
  /** Patches in one transaction: how the engine groups as many callers as there are rows. */
  readonly group: number
}

const isUpdate = ({ sql }: Recorded) => sql.startsWith("UPDATE")
const isInsert = ({ sql }: Recorded) => sql.startsWith("INSERT")
const isBegin = ({ sql }: Recorded) => sql.startsWith("BEGIN")
const isCommit = ({ sql }: Recorded) => sql === "COMMIT"

const changed = (what: string, sql: string) =>
  new Error(`the engine's statements have changed, so the raw limit must: ${what}: ${sql}`)

const only = (recorded: ReadonlyArray<Recorded>, what: string): string => {
  const texts = [...new Set(recorded.map(({ sql }) => sql))]
  if (texts.length !== 1) throw changed(what, texts.join("; "))
  return texts[0] ?? ""
}

const updateForm = /^UPDATE "intents" SET "revision" = \?, "body" = \? WHERE "id" = \? AND "revision" = \?$/

const rowsOf = (recorded: ReadonlyArray<Recorded>): ReadonlyArray<PatchRow> => {
  const updates = recorded.filter(isUpdate)
  const inserts = recorded.filter(isInsert)
  if (updates.length !== inserts.length) throw changed("one event a patch", `${updates.length} and ${inserts.length}`)
  return updates.map(({ values: [, body, intentId] }, i) => {
    const event = inserts[i]?.values.filter((value) => typeof value === "string" || typeof value === "number") ?? []
    if (typeof body !== "string" || typeof intentId !== "string" || !event.includes(intentId)) {
      throw changed("an update and its event", typeof intentId)
    }
    return { intentId, body, event }
  })
}

/** Records one round of patches of all intents at once. Nothing but patches may be going on. */
const recordRound = async (run: EngineRun, count: number, patch: ReturnType<typeof patcher>) => {
  const recorded = await recording(() => callers(run, count, count, patch))
  const other = recorded.find((one) => ![isUpdate, isInsert, isBegin, isCommit].some((is) => is(one)))
  if (other !== undefined) throw changed("statements", other.sql)
  const update = only(recorded.filter(isUpdate), "the update")
  if (!updateForm.test(update)) throw changed("the update", update)
  return {
    update,
    insert: only(recorded.filter(isInsert), "the insert"),
    begin: only(recorded.filter(isBegin), "the begin"),
    commit: only(recorded.filter(isCommit), "the commit"),
    rows: rowsOf(recorded),
    group: Math.round(count / recorded.filter(isCommit).length)
  }
}

/**
 * Makes a file with `count` active intents that were patched a few times, and tells what a patch of each writes. The
 * file is closed afterwards: copies of it are where engine and raw limit start from.
 */
export const recordPatches = async (file: string, count: number): Promise<PatchRecord> => {
  let patches: Omit<PatchRecord, "pragmas"> | undefined
  const all = await recording(() =>
    withEngine(file, async (run) => {
      const patch = patcher(run, await createIntents(run, count))
      await callers(run, count, count * 50, patch)
      patches = await recordRound(run, count, patch)
    })
  )
  const pragmas = all.find(({ sql }) => sql.includes("PRAGMA synchronous"))?.sql
  if (patches === undefined || pragmas === undefined) throw changed("pragmas", String(pragmas))
  return { pragmas, ...patches }
}
