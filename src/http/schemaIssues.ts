/** What a schema of the contract finds wrong, field by field. */
import * as SchemaIssue from "effect/SchemaIssue"
import type { Issue } from "../core/Errors.ts"
import { fieldName } from "../core/json.ts"

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const segmentOf = (segment: PropertyKey | { readonly key: PropertyKey }): string | number => {
  const key = typeof segment === "object" ? segment.key : segment
  return typeof key === "number" ? key : String(key)
}

/** `whole` names what has no fields. */
export const schemaIssues = (issue: SchemaIssue.Issue, whole: string): ReadonlyArray<Issue> =>
  formatIssues(issue).issues.map(({ message, path = [] }) => ({
    field: fieldName(path.map(segmentOf)) || whole,
    message: `is not valid: ${message}`
  }))
