import type * as DateTime from "effect/DateTime"
import type { Json } from "../json.ts"
import { millis, time } from "../storedForms.ts"
import { integer, table } from "../Table.ts"

/** That a keyed call took effect, and its answer: stored in the same commit. */
export interface Receipt {
  readonly key: string
  readonly fingerprint: string
  /** As `encode` has it. */
  readonly answer: Json
  /** From then on the same call takes effect again. */
  readonly expiresAt: DateTime.Utc
}

export const receipts = table<Receipt>()("receipts", {
  key: (receipt) => receipt.key,
  columns: { expires_at: integer((receipt: Receipt) => millis(receipt.expiresAt)) },
  body: ({ answer, fingerprint }) => ({ fingerprint, answer }),
  make: ({ body, columns, key }) => ({
    key,
    fingerprint: body.fingerprint,
    answer: body.answer,
    expiresAt: time(columns.expires_at)
  }),
  indexes: { due: { columns: [], order: "expires_at" } },
  guarded: true,
  removable: true
})
