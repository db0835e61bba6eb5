import type { Contestant } from "../measure/interleave.ts"
import { median } from "../measure/statistics.ts"
import type { Server } from "./Server.ts"

/** Slices, and what they cost the processor: microseconds a request of the server, and of the clients in this process. */
export const costing = (server: Server, contestant: Contestant) => {
  const costs: Array<number> = []
  const clients: Array<number> = []
  const slice = async (operations: number) => {
    const [before, own] = [server.processorSeconds(), process.cpuUsage()]
    const seconds = await contestant.slice(operations)
    const { system, user } = process.cpuUsage(own)
    costs.push(((server.processorSeconds() - before) * 1e6) / operations)
    clients.push((user + system) / operations)
    return seconds
  }
  return { slice, cost: () => `${median(costs).toFixed(0)} µs`, clients: () => `${median(clients).toFixed(0)} µs` }
}
