/** A collector of OpenTelemetry: takes OTLP as JSON over HTTP and keeps what it is sent. */
import { createServer, type IncomingMessage } from "node:http"
import { onTestFinished } from "vitest"

interface Value {
  readonly stringValue?: string
  readonly intValue?: string | number
  readonly boolValue?: boolean
  readonly doubleValue?: number
}

interface Named {
  readonly key: string
  readonly value: Value
}

export interface ExportedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<Named>
  readonly status: { readonly code: number }
}

export interface ExportedLog {
  readonly severityText: string
  readonly body: Value
  readonly attributes: ReadonlyArray<Named>
  readonly traceId?: string
  readonly spanId?: string
}

export interface ExportedMetric {
  readonly name: string
  readonly sum?: {
    readonly dataPoints: ReadonlyArray<{ readonly asDouble: number; readonly attributes: ReadonlyArray<Named> }>
  }
}

/** Attributes as an object. */
export const fieldsOf = (attributes: ReadonlyArray<Named>): { readonly [key: string]: unknown } =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ??
        value.boolValue ??
        (value.intValue === undefined ? value.doubleValue : Number(value.intValue))
    ])
  )

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString("utf8")
}

/** Listens until the end of the test. It answers after `delayMs`; infinite: never. */
export const collecting = async ({ delayMs = 0 } = {}) => {
  const received: Array<{
    readonly path: string
    readonly headers: IncomingMessage["headers"]
    readonly text: string
  }> = []
  let heard = () => {}
  let answered = 0
  const server = createServer(async (request, response) => {
    const text = await textOf(request)
    received.push({ path: request.url ?? "", headers: request.headers, text })
    heard()
    if (delayMs === Number.POSITIVE_INFINITY) return
    await new Promise((resolve) => setTimeout(resolve, delayMs))
    answered++
    response.writeHead(200, { "content-type": "application/json" }).end("{}")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const bodies = (path: string) => received.filter((one) => one.path === path).map(({ text }) => JSON.parse(text))
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answered: () => answered,
    spans: (): ReadonlyArray<ExportedSpan> =>
      bodies("/v1/traces").flatMap(({ resourceSpans }) =>
        resourceSpans.flatMap((one: any) => one.scopeSpans.flatMap((scope: any) => scope.spans))
      ),
    logs: (): ReadonlyArray<ExportedLog> =>
      bodies("/v1/logs").flatMap(({ resourceLogs }) =>
        resourceLogs.flatMap((one: any) => one.scopeLogs.flatMap((scope: any) => scope.logRecords))
      ),
    metrics: (): ReadonlyArray<ExportedMetric> =>
      bodies("/v1/metrics").flatMap(({ resourceMetrics }) =>
        resourceMetrics.flatMap((one: any) => one.scopeMetrics.flatMap((scope: any) => scope.metrics))
      ),
    resource: () => fieldsOf(bodies("/v1/traces")[0].resourceSpans[0].resource.attributes),
    /** Until something that is asked for has come. */
    until: (isThere: () => boolean) =>
      new Promise<void>((resolve) => {
        heard = () => {
          if (isThere()) resolve()
        }
        heard()
      })
  }
}
