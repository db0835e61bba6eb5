/** An explanation as it is printed. */
import { oneLine, type Printable } from "../cli/output.ts"
import type { Explanation } from "./explain.ts"

export const show = ({ answer, assigned, code, intentId, reasons, status, title }: Explanation): Printable => ({
  document: {
    intent_id: intentId,
    title,
    status,
    code,
    answer,
    assigned: assigned.items,
    assigned_total: assigned.total,
    reasons: reasons.map(({ blocks, code, items, message, total }) => ({ code, blocks, message, total, items }))
  },
  lines: [
    answer,
    "",
    `${intentId} "${oneLine(title, 100)}" is ${status}`,
    ...reasons.flatMap(({ blocks, lines, message }) => [
      `${blocks === "completion" ? "before it can be completed" : "waits for"}: ${message}`,
      ...lines.map((line) => `  ${line}`)
    ])
  ]
})
