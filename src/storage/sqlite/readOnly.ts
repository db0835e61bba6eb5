/** Opening a file to look at it. */
import { existsSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { Connection } from "./Connection.ts"

/**
 * A connection that changes nothing. Without a log beside it nobody has the file open, and it is read as what does not
 * change: otherwise reading would leave an empty log behind, that belongs to whoever looked.
 */
export const openReadOnly = (path: string): Connection => {
  if (existsSync(`${path}-wal`)) return new Connection(path, { readOnly: true })
  const url = pathToFileURL(path)
  url.searchParams.set("immutable", "1")
  return new Connection(url.href, { readOnly: true })
}
