import * as Formatter from "effect/Formatter"
import * as Logger from "effect/Logger"

/**
 * A line of JSON for each entry: time, level, message, what was said with it (`annotations`, with the request's id), and
 * the ids of the trace and of the span that it belongs to.
 */
export const jsonLines = Logger.withConsoleLog(
  Logger.make((entry) => {
    const { fiberId: _, spans: __, ...line } = Logger.formatStructured.log(entry)
    const { span } = entry.fiber.cache
    return Formatter.formatJson(span === undefined ? line : { ...line, trace_id: span.traceId, span_id: span.spanId })
  })
)
