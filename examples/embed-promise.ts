import { createEngine } from "openintent"

await using engine = await createEngine({ storage: "sqlite:./work.db", agent: "writer" })
const { id, version } = await engine.intents.create({ title: "Report on tides" })
{
  await using lease = await engine.leases.acquire(id, { scope: "sections", duration: "30 seconds" })
  const state = { sections: ["Findings"] }
  console.log(await engine.intents.patchState(id, { version, state, leaseToken: lease.fencingToken }))
}
