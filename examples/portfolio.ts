/**
 * The stands of a fair, looked after together: how far they are, what they cost, and that the fair is ready by itself
 * once they are.
 * Run it with Node 24: `node examples/portfolio.ts`, where `openintent` is installed (`npm run build` does it here).
 */
import { BudgetExceeded, createEngine, PortfolioIncomplete } from "openintent"

await using engine = await createEngine({ storage: "memory:", agent: "organiser" })
const { costs, events, intents, portfolios } = engine

// Complete when all members are, and by itself; and its members may spend 500 USD.
const fair = await portfolios.create({
  name: "Spring fair",
  governancePolicy: { require_all_completed: true, auto_complete_threshold: 100, max_cost: 500 }
})
const stands = await Promise.all(
  ["Bakery", "Books", "Cider"].map((title) => intents.create({ title, status: "active" }))
)
for (const [i, { id: intentId }] of stands.entries()) {
  await portfolios.addIntent(fair.id, { intentId, role: i === 0 ? "primary" : "member", priority: stands.length - i })
}

// What its members spend counts against the budget of the portfolio.
for (const { id, title } of stands) {
  try {
    const { remaining } = await costs.reserve(id, { amount: 200, costType: "rent" })
    console.log(`${title}: 200 set aside, ${String(remaining)} left`)
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error
    console.log(`${title}: no, ${error.held} of ${error.limit} are set aside already`)
  }
}

const progress = async () => {
  const { byStatus, completionPercentage, total } = await portfolios.aggregate(fair.id)
  return `${byStatus.completed} of ${total} completed, ${completionPercentage} %`
}

// Its own policy keeps it from being closed too early.
const [bakery, ...others] = stands
if (bakery !== undefined) await intents.setStatus(bakery.id, { version: 1, status: "completed" })
const early = await portfolios.setStatus(fair.id, { status: "completed" }).catch((error: unknown) => error)
if (early instanceof PortfolioIncomplete) console.log(`${await progress()}; ${early.message}`)

for (const { id } of others) await intents.setStatus(id, { version: 1, status: "completed" })
console.log(`${await progress()}; the fair is ${(await portfolios.get(fair.id)).status}`)

// One stream for all of them; it can also be followed from the beginning.
let completed = 0
for await (const { intentId, payload, type } of events.follow({ portfolioId: fair.id, after: 0 })) {
  if (type !== "status_changed") continue
  const { title } = await intents.get(intentId)
  console.log(`  ${title} is`, payload["new_status"])
  if (++completed === stands.length) break
}
