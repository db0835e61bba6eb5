import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { parseStorageUrl } from "../../src/layers/storageUrl.ts"

const fileOf = (url: string) =>
  Result.map(parseStorageUrl(url), (found) => (found._tag === "Sqlite" ? found.file : found))

describe("storage URLs", () => {
  it.each([
    ["sqlite:./work.db", "./work.db"],
    ["sqlite:work.db", "work.db"],
    ["sqlite:/var/lib/work.db", "/var/lib/work.db"],
    ["sqlite:///./openintent.db", "./openintent.db"],
    ["sqlite:///openintent.db", "openintent.db"],
    ["sqlite:////var/lib/work.db", "/var/lib/work.db"],
    ["sqlite+aiosqlite:///./openintent.db", "./openintent.db"],
    ["SQLite:./Work.db", "./Work.db"],
    [" sqlite:./a b%20c#d.db ", "./a b%20c#d.db"],
    ["sqlite::memory:", ":memory:"],
    ["sqlite:///:memory:", ":memory:"],
    ["sqlite://", ":memory:"],
    ["sqlite:", ":memory:"]
  ])("%s is the file %s", (url, file) => {
    assert.deepStrictEqual(fileOf(url), Result.succeed(file))
  })

  it.each(["memory:", "memory://", "Memory:"])("%s is memory", (url) => {
    assert.deepStrictEqual(parseStorageUrl(url), Result.succeed({ _tag: "Memory" }))
  })

  it.each([
    ["postgres://user:secret@host/db", "PostgreSQL is not supported yet"],
    ["postgresql+asyncpg://user:secret@host/db", "PostgreSQL is not supported yet"],
    ["mysql://user:secret@host/db", "unknown storage mysql:"],
    ["file:./work.db", "unknown storage file:"],
    ["./work.db", "starts with its scheme"],
    ["", "starts with its scheme"],
    ["sqlite://work.db", "one slash more"],
    ["sqlite:./work.db?mode=ro", "no options"],
    ["memory:work", "nothing after the colon"]
  ])("%s is refused: %s", (url, reason) => {
    const failure = Result.getOrThrow(Result.flip(parseStorageUrl(url)))
    assert.include(failure.message, reason)
    assert.notInclude(JSON.stringify(failure), "secret")
  })
})
