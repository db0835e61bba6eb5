/** The paths of requests, before the router reads them. */

/**
 * Longest path of a route, as it is sent: two parameters of 255 characters, each of nine when it is encoded, and what is
 * between them. The router takes a time for some paths that grows with the square of their length.
 */
const pathMax = 5000

const endOf = (url: string): number => {
  const end = url.search(/[?#]/)
  return end < 0 ? url.length : end
}

/** Whether the path is longer than that of any route. */
export const isTooLong = (url: string): boolean => url.length > pathMax && endOf(url) > pathMax

/**
 * The same, as the router understands it. It takes `;` for the beginning of the query, so that what is asked of `a;b`
 * would be done to `a`; in a path it is a character like others (RFC 3986, 3.3), and is written as such.
 */
export const withoutSemicolons = (url: string): string => {
  const first = url.indexOf(";")
  if (first < 0) return url
  const end = endOf(url)
  return end < first ? url : url.slice(0, end).replaceAll(";", "%3B") + url.slice(end)
}
