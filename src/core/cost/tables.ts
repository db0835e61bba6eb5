/** What is stored of costs, reservations and what they count against. */
import { millis, time, unlessEmpty } from "../storedForms.ts"
import type { StoredFigure } from "../figureTable.ts"
import { integer, table, text } from "../Table.ts"
import { amountOf, textOf } from "./amount.ts"
import type { Account, LimitedBalance } from "./Balance.ts"
import type { Cost, Reservation } from "./Cost.ts"
import type { CostFigure, Sums } from "./CostFigure.ts"

export const costs = table<Cost>()("costs", {
  key: (cost) => cost.id,
  columns: { intent_id: text((cost: Cost) => cost.intentId) },
  body: (cost) => ({
    agentId: cost.agentId,
    costType: cost.costType,
    amount: cost.amount,
    unit: cost.unit,
    provider: cost.provider ?? undefined,
    metadata: unlessEmpty(cost.metadata),
    recordedAt: millis(cost.recordedAt)
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    intentId: columns.intent_id,
    agentId: body.agentId,
    costType: body.costType,
    amount: body.amount,
    unit: body.unit,
    provider: body.provider ?? null,
    metadata: body.metadata ?? {},
    recordedAt: time(body.recordedAt)
  }),
  indexes: { byIntent: { columns: ["intent_id"] } },
  appendOnly: true
})

/** Amounts are stored as decimals, whose digits JSON numbers would lose. */
const texts = (sums: Sums): { readonly [name: string]: string } =>
  Object.fromEntries(Array.from(sums, ([name, amount]) => [name, textOf(amount)]))
const sums = (texts: { readonly [name: string]: string }): Sums =>
  new Map(Object.entries(texts).map(([name, amount]) => [name, amountOf(amount)]))

export const costFigures = table<StoredFigure<CostFigure>>()("cost_figures", {
  key: (stored) => stored.key,
  columns: {},
  body: ({ figure, through }) => ({
    through,
    count: figure.count,
    total: textOf(figure.total),
    money: textOf(figure.money),
    byType: texts(figure.byType),
    byAgent: texts(figure.byAgent),
    byUnit: texts(figure.byUnit),
    byProvider: texts(figure.byProvider)
  }),
  make: ({ body, key }) => ({
    key,
    through: body.through,
    figure: {
      count: body.count,
      total: amountOf(body.total),
      money: amountOf(body.money),
      byType: sums(body.byType),
      byAgent: sums(body.byAgent),
      byUnit: sums(body.byUnit),
      byProvider: sums(body.byProvider)
    }
  }),
  indexes: {}
})

export const reservations = table<Reservation>()("reservations", {
  key: (reservation) => reservation.id,
  columns: {
    intent_id: text((reservation: Reservation) => reservation.intentId),
    status: text((reservation: Reservation) => reservation.status),
    expires_at: integer((reservation: Reservation) => millis(reservation.expiresAt))
  },
  body: (reservation) => ({
    agentId: reservation.agentId,
    costType: reservation.costType,
    amount: reservation.amount,
    unit: reservation.unit,
    createdAt: millis(reservation.createdAt),
    endedAt: reservation.endedAt === null ? undefined : millis(reservation.endedAt)
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    intentId: columns.intent_id,
    agentId: body.agentId,
    costType: body.costType,
    amount: body.amount,
    unit: body.unit,
    status: columns.status,
    createdAt: time(body.createdAt),
    expiresAt: time(columns.expires_at),
    endedAt: body.endedAt === undefined ? null : time(body.endedAt)
  }),
  indexes: {
    byIntent: { columns: ["intent_id"] },
    heldByIntent: { columns: ["intent_id"], where: { column: "status", equals: "held" } },
    due: { columns: ["status"], order: "expires_at", where: { column: "status", equals: "held" } }
  },
  guarded: true
})

type BalanceBody = readonly [spent: string, held: string, isExceeded: boolean]

const balanceBody = ({ held, isExceeded, spent }: LimitedBalance): BalanceBody => [
  textOf(spent),
  textOf(held),
  isExceeded
]
const balanceOf = ([spent, held, isExceeded]: BalanceBody): LimitedBalance => ({
  spent: amountOf(spent),
  held: amountOf(held),
  isExceeded
})

export const accounts = table<Account>()("accounts", {
  key: (account) => account.key,
  columns: {},
  body: (account) => ({
    balance: balanceBody(account),
    isAlerted: account.isAlerted
  }),
  make: ({ body, key }) => ({ ...balanceOf(body.balance), key, isAlerted: body.isAlerted }),
  indexes: {},
  guarded: true
})
