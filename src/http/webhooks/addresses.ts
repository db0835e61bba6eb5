/** Which addresses a webhook may be sent to: those of the public internet, unless the policy says more. */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { TargetPolicy } from "../../core/subscription/options.ts"

const networks = (...texts: ReadonlyArray<string>) => texts.map(IpNetwork.fromStringUnsafe)

/** Not globally reachable (the registry of RFC 6890), multicast, reserved; and what clouds answer on beside those. */
const forbidden4 = networks(
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // shared by carriers; the metadata of Alibaba
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // Azure's own agent
  "169.254.0.0/16", // link-local; the metadata of most clouds
  "172.16.0.0/12", // private
  "192.0.0.0/24", // IETF protocols; the metadata of Oracle
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // relays of 6to4
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4" // reserved, broadcast
)

/** All that is global unicast; loopback, link-local, unique local, multicast and the rest are not in it. */
const global6 = IpNetwork.fromStringUnsafe("2000::/3")

/** Within it: not globally reachable, or IPv4 in another form by a tunnel that is out of use. */
const forbidden6 = networks(
  "2001::/23", // IETF protocols: Teredo, benchmarks, ORCHID
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "3fff::/20" // documentation
)

/** Where a network has no IPv4 of its own, names of IPv4 hosts resolve to this prefix (RFC 6052). */
const nat64 = IpNetwork.fromStringUnsafe("64:ff9b::/96")

/** The IPv4 address that is reached through an IPv6 one. */
const embedded = (address: NetAddress.Ipv6Address): NetAddress.Ipv4Address | undefined =>
  IpNetwork.contains(nat64, address)
    ? NetAddress.ipv4FromBytesUnsafe(Uint8Array.from(NetAddress.ipv6ToOctets(address).slice(12)))
    : Option.getOrUndefined(NetAddress.fromIpv4Mapped(address))

/** Tells whether an address, as a resolver or a URL writes it, may be connected to. What is no address may not. */
export const makeIsAllowed = ({ allowedNetworks, allowPrivate }: TargetPolicy): ((address: string) => boolean) => {
  const allowed = networks(...allowedNetworks)
  const isIn = (list: ReadonlyArray<IpNetwork.IpNetwork>, address: NetAddress.IpAddress) =>
    list.some((network) => IpNetwork.contains(network, address))
  const isAllowed = (address: NetAddress.IpAddress): boolean => {
    if (isIn(allowed, address)) return true
    if (NetAddress.isIpv4Address(address)) return !isIn(forbidden4, address)
    const inner = embedded(address)
    if (inner !== undefined) return isAllowed(inner)
    return IpNetwork.contains(global6, address) && !isIn(forbidden6, address)
  }
  return (text) => {
    if (allowPrivate) return true
    const address = NetAddress.ipFromString(text)
    return Result.isSuccess(address) && isAllowed(address.success)
  }
}
