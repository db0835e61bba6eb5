/**
 * Two reviewers disagree, a person decides, and the policy sees to it that nobody closes the matter alone.
 * Run it with Node 24: `node examples/arbitration.ts`, where `openintent` is installed (`npm run build` does it here).
 */
import { createEngine, GovernanceViolation } from "openintent"

await using engine = await createEngine({ storage: "memory:" })
const [first, second, person] = [engine.as("reviewer-1"), engine.as("reviewer-2"), engine.as("maria")]

// Only those assigned may write, and completing needs an approval.
const { id } = await person.intents.create({
  title: "Refund of order 1180",
  status: "active",
  governancePolicy: { write_scope: "assigned_only", completion_mode: "require_approval" }
})
for (const agentId of ["reviewer-1", "reviewer-2"]) await person.agents.assign(id, { agentId, role: "reviewer" })

// The reviewers write down what they think, and that they do not agree.
const one = await first.intents.patchState(id, { version: 1, state: { "reviewer-1": "refund" } })
const two = await second.intents.patchState(id, { version: one.version, state: { "reviewer-2": "reject" } })
const asked = await second.governance.requestArbitration(id, {
  reason: "The parcel was opened, but the seal may have been broken before",
  context: { order: 1180 },
  options: [
    { label: "refund", rationale: "the customer is believed" },
    { label: "reject", rationale: "the seal counts" }
  ]
})
console.log(`${asked.requestedBy} asks: ${asked.reason}`)

// A person reads what is pending and decides. The decision stays, with its reasons.
const pending = await person.governance.arbitrations(id, { status: "pending" })
for (const { id: arbitrationId, options } of pending.items) {
  console.log("options:", ...options.map(({ label }) => label))
  const { decidedBy, outcome } = await person.governance.recordDecision(id, {
    arbitrationId,
    outcome: "refund half",
    rationale: "Neither can be shown",
    evidence: [{ photo: "seal.jpg" }]
  })
  console.log(`${decidedBy} decides:`, outcome)
}

// To complete it a reviewer needs somebody's approval.
const close = (version: number) => first.intents.setStatus(id, { version, status: "completed", reason: "decided" })
const refused = await close(two.version).catch((error: unknown) => error)
if (refused instanceof GovernanceViolation) console.log(`refused by ${refused.rule}: ${refused.message}`)
const request = await first.governance.requestApproval(id, { action: "complete", reason: "decided by maria" })
const { decidedBy, status } = await person.governance.approve(id, request.id, { notes: "as agreed" })
console.log(`${status} by ${String(decidedBy)}`)
const closed = await close(two.version)
console.log(`${closed.status} at version ${closed.version}`)

// What came of it is in the log, the refusal too.
const { items } = await engine.events.list(id, { order: "asc", visibility: "all" })
for (const { actor, type } of items.slice(5)) console.log(`  ${type} by ${actor}`)
