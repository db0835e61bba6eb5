/** Where a request comes from, as far as that can be known. */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"

/** What tells where a request comes from. */
export type Origin = Pick<HttpServerRequest, "headers" | "remoteAddress">

const parsed = (text: string): NetAddress.IpAddress | undefined => {
  const address = Option.getOrUndefined(Result.getSuccess(NetAddress.ipFromString(text)))
  if (address === undefined || NetAddress.isIpv4Address(address)) return address
  return Option.getOrElse(NetAddress.fromIpv4Mapped(address), () => address)
}

/** One text for all addresses that one client may have: of IPv6 a whole network of 64 bits. */
const nameOf = (text: string): string => {
  const address = parsed(text)
  if (address === undefined) return "unknown"
  return NetAddress.isIpv4Address(address)
    ? NetAddress.formatIp(address)
    : NetAddress.ipv6ToOctets(address).slice(0, 8).join(".")
}

/**
 * Who asks, by address. `X-Forwarded-For` is written by anybody: of it counts what the trusted proxies have added, from
 * the end, up to the first address that is none of theirs.
 */
export const makeClientAddress = (trustedProxies: ReadonlyArray<string>): ((request: Origin) => string) => {
  const trusted = trustedProxies.map(IpNetwork.fromStringUnsafe)
  const isTrusted = (text: string) => {
    const address = parsed(text)
    return address !== undefined && trusted.some((network) => IpNetwork.contains(network, address))
  }
  return ({ headers, remoteAddress }) => {
    let client = Option.getOrElse(remoteAddress, () => "")
    if (trusted.length > 0 && isTrusted(client)) {
      const hops = (headers["x-forwarded-for"] ?? "").split(",").map((hop) => hop.trim())
      for (let hop = hops.pop(); hop !== undefined && hop !== "" && isTrusted(client); hop = hops.pop()) client = hop
    }
    return nameOf(client)
  }
}
