import type { Operation } from "./contract.ts"

/** A request in parts, so that each of them can be twisted. */
export interface Draft {
  readonly operation: Operation
  method: string
  /** As they stand in the path. */
  ids: Array<string>
  query: Array<readonly [name: string, value: string]>
  headers: Array<readonly [name: string, value: string]>
  /** The fields of the body as JSON text, in order, names not unique; undefined: there is no body. */
  fields: Array<readonly [name: string, json: string]> | undefined
  /** In the place of the fields. */
  raw: string | Buffer | undefined
}

export const setHeader = (draft: Draft, name: string, value: string | undefined): void => {
  draft.headers = draft.headers.filter(([other]) => other.toLowerCase() !== name.toLowerCase())
  if (value !== undefined) draft.headers.push([name, value])
}
