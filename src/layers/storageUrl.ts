import * as Data from "effect/Data"
import * as Result from "effect/Result"

/** Which storage a URL names, and where. */
export type StorageUrl =
  | { readonly _tag: "Memory" }
  /** `file` is a path, relative to the working directory, or `:memory:`. */
  | { readonly _tag: "Sqlite"; readonly file: string }

/** A storage URL that names nothing this version can open. Holds no more of the URL than its scheme: it may have a password. */
export class UnsupportedStorage extends Data.TaggedError("UnsupportedStorage")<{
  readonly scheme: string
  readonly reason: string
}> {
  override get message() {
    return this.reason
  }
}

const forms = "memory:, sqlite:./work.db, sqlite:///./work.db or sqlite:////absolute/work.db"

const refuse = (scheme: string, reason: string) => Result.fail(new UnsupportedStorage({ scheme, reason }))

/**
 * The file of what follows `sqlite:`. A path as it is, or as Python writes it: after three slashes a relative path,
 * after four an absolute one. Nothing at all is a database in memory.
 */
const sqliteFile = (rest: string): string | undefined => {
  if (rest === "" || rest === "//" || rest === "///") return ":memory:"
  if (rest.startsWith("///")) return rest.slice(3)
  return rest.startsWith("//") ? undefined : rest
}

/**
 * Reads `memory:`, `sqlite:./work.db`, `sqlite::memory:` and the Python forms `sqlite:///./work.db` (relative) and
 * `sqlite:////var/work.db` (absolute), also with a driver (`sqlite+aiosqlite:`). Paths are taken as they are: nothing
 * is decoded, and options after `?` are refused.
 */
export const parseStorageUrl = (url: string): Result.Result<StorageUrl, UnsupportedStorage> => {
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(url.trim()) ?? []
  switch (scheme.toLowerCase().replace(/\+.*$/, "")) {
    case "memory":
      return rest === "" || rest === "//"
        ? Result.succeed({ _tag: "Memory" })
        : refuse(scheme, "memory: takes nothing after the colon; a file is sqlite:./work.db")
    case "sqlite": {
      const file = sqliteFile(rest)
      if (file === undefined) return refuse(scheme, "sqlite: needs one slash more: sqlite:///./work.db")
      if (file.includes("?")) return refuse(scheme, "sqlite: takes no options after ?")
      return Result.succeed({ _tag: "Sqlite", file })
    }
    case "postgres":
    case "postgresql":
      return refuse(scheme, `PostgreSQL is not supported yet; use ${forms}`)
    case "":
      return refuse("", `a storage URL starts with its scheme; use ${forms}`)
    default:
      return refuse(scheme, `unknown storage ${scheme}:; use ${forms}`)
  }
}
