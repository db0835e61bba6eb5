/** Names that a server on a loopback address answers to, so that no web page can reach it by DNS (http.md 1.3). */
import * as HttpServer from "effect/http/HttpServer"

const loopback = /^(?:localhost|(?:[\w-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\]|\[::ffff:127(?:\.\d{1,3}){3}\])$/

/** Whether only this machine can reach the address. A socket in the file system is one too. */
export const isLoopback = (address: HttpServer.HttpServer["Service"]["address"]): boolean =>
  address._tag === "UnixPathAddress" || /^(127\.|::1$|::ffff:127\.)/.test(String(address.address))

/** `host` as it came, perhaps with a port. */
export const isAllowedHost = (allowed: ReadonlySet<string>, host: string | undefined): boolean => {
  if (host === undefined) return false
  const name = host.replace(/:\d*$/, "").toLowerCase()
  return loopback.test(name) || allowed.has(name)
}
