/** What this process is and uses, under the names that dashboards of Node know. Looked at when somebody asks. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { readdirSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { protocolVersion, version } from "../http/version.ts"

/** Of one look at the event loop: short enough to show a moment, longer than the time between two who ask. */
const windowMs = 10_000

interface Delay {
  readonly mean: number
  readonly p99: number
  readonly max: number
}

/** Seconds that the event loop was late by, over the last full window; before that, since the start. */
const delays = (histogram: ReturnType<typeof monitorEventLoopDelay>): (() => Delay) => {
  let since = performance.now()
  let last: Delay | undefined
  const look = (): Delay => {
    if (histogram.count === 0) return { mean: 0, p99: 0, max: 0 }
    return { mean: histogram.mean / 1e9, p99: histogram.percentile(99) / 1e9, max: histogram.max / 1e9 }
  }
  return () => {
    if (performance.now() - since < windowMs) return last ?? look()
    last = look()
    histogram.reset()
    since = performance.now()
    return last
  }
}

const descriptors = (): number | undefined => {
  try {
    return readdirSync("/proc/self/fd").length
  } catch {
    return undefined // Not on this system.
  }
}

const read = <State>(get: () => State) => ({ get, update: () => undefined, modify: () => undefined })

/** While the layer is open, the metrics of the process are in the registry that it is built with. */
export const processMetrics: Layer.Layer<never> = Layer.effectDiscard(
  Effect.acquireRelease(
    Effect.map(Effect.context(), (context) => {
      const histogram = monitorEventLoopDelay({ resolution: 20 })
      histogram.enable()
      const delay = delays(histogram)
      const gauge = (name: string, description: string, value: () => number, attributes = {}) =>
        Metric.registerUnsafe(
          Metric.gauge(name, { description, attributes }),
          context,
          read(() => ({ value: value() }))
        )
      const counter = (name: string, description: string, count: () => number) =>
        Metric.registerUnsafe(
          Metric.counter(name, { description }),
          context,
          read(() => ({ count: count(), incremental: true }))
        )
      const build = { version, protocol_version: protocolVersion, node: process.versions.node }
      const registered = [
        gauge("openintent_build_info", "Always 1: the version is in the labels", () => 1, build),
        gauge("process_start_time_seconds", "When the process began", () => performance.timeOrigin / 1000),
        gauge("process_resident_memory_bytes", "Memory that the system holds for it", () => process.memoryUsage.rss()),
        gauge("nodejs_heap_size_used_bytes", "Heap in use", () => process.memoryUsage().heapUsed),
        gauge("nodejs_heap_size_total_bytes", "Heap set aside", () => process.memoryUsage().heapTotal),
        gauge("nodejs_eventloop_lag_mean_seconds", "How late the event loop was on average", () => delay().mean),
        gauge("nodejs_eventloop_lag_p99_seconds", "How late it was at most, but for 1 %", () => delay().p99),
        gauge("nodejs_eventloop_lag_max_seconds", "How late it was at most", () => delay().max),
        counter("process_cpu_seconds_total", "Processor time used", () => {
          const { system, user } = process.cpuUsage()
          return (system + user) / 1e6
        }),
        ...(descriptors() === undefined
          ? []
          : [gauge("process_open_fds", "Open file descriptors", () => descriptors() ?? 0)])
      ]
      return { histogram, registered }
    }),
    ({ histogram, registered }) =>
      Effect.sync(() => {
        histogram.disable()
        for (const { remove } of registered) remove()
      })
  )
)
