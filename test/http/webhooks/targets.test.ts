/** Where a webhook must not go: no connection is made, whatever the target is written like (http.md 11.4). */
import * as Effect from "effect/Effect"
import * as Duration from "effect/Duration"
import { createHook } from "node:async_hooks"
import { createServer } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { TargetPolicy } from "../../../src/core/subscription/options.ts"
import { makeIsAllowed } from "../../../src/http/webhooks/addresses.ts"
import type { Resolve } from "../../../src/http/webhooks/lookups.ts"
import { makeSender } from "../../../src/http/webhooks/sender.ts"
import { listeningSink } from "./sink.ts"

const strict: TargetPolicy = { allowPrivate: false, allowedNetworks: [] }

/** Connections that the process begins: each of them makes one of these below Node's sockets. */
let connects = 0
const spy = createHook({
  init: (_, type) => {
    if (type === "TCPCONNECTWRAP") connects++
  }
})
/** Listens wherever something may go by mistake. */
let canary: ReturnType<typeof createServer>
let canaryPort = 0
let arrived = 0
beforeAll(async () => {
  spy.enable()
  canary = createServer((socket) => {
    arrived++
    socket.destroy()
  })
  await new Promise<void>((resolve) => canary.listen(0, "::", resolve))
  canaryPort = (canary.address() as { readonly port: number }).port
})
afterAll(() => {
  spy.disable()
  canary.close()
})

/** Of the names in this file. Nothing asks the network. */
const names: { readonly [name: string]: ReadonlyArray<string> } = {
  localhost: ["127.0.0.1", "::1"],
  "localhost.": ["127.0.0.1"],
  "foo.localhost": ["127.0.0.1"],
  "loopback.example": ["127.0.0.1"],
  "loopback6.example": ["::1"],
  "private.example": ["10.1.2.3"],
  "metadata.google.internal": ["169.254.169.254"],
  "metadata.example": ["169.254.169.254"],
  "imds6.example": ["fd00:ec2::254"],
  "linklocal6.example": ["fe80::1%eth0"],
  "mapped.example": ["::ffff:127.0.0.1"],
  "nat64.example": ["64:ff9b::7f00:1"],
  "mixed.example": ["93.184.216.34", "127.0.0.1"],
  "mixed6.example": ["2606:2800:220:1::1", "fc00::1"],
  "zero.example": ["0.0.0.0"],
  "nothing.example": [],
  "garbage.example": ["not an address"]
}

const resolve: Resolve = (hostname, found) => {
  const addresses = names[hostname]
  if (addresses === undefined) found(Object.assign(new Error("unknown"), { code: "ENOTFOUND" }), [])
  else
    found(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
    )
}

const sending = (url: string, policy = strict, by = resolve) =>
  makeSender(policy, by).send({ url, headers: {}, body: "{}", timeout: Duration.seconds(5) })

const literals = [
  // Loopback, in every spelling of four bytes.
  ..."127.0.0.1 127.1 127.0.1 127.255.255.254 0x7f000001 2130706433 017700000001 0177.0.0.1 0x7f.0.0.1 0x7f.1 127.0.0.1.".split(
    " "
  ),
  ..."0177.0x0.0.01 00000177.1 0x7F.0x0.0x0.0x1 %31%32%37.0.0.1 １２７.０.０.１ ①②⑦.0.0.1 127。0。0。1".split(" "),
  // This host, broadcast, multicast, reserved.
  ..."0 0.0.0.0 0.1.2.3 255.255.255.255 4294967295 224.0.0.1 239.255.255.250 240.0.0.1 250.1.1.1".split(" "),
  // Private, shared, link-local, metadata.
  ..."10.0.0.1 10.255.255.255 167772161 0xa000001 172.16.0.1 172.31.255.254 192.168.1.1 3232235777 192.168.257".split(
    " "
  ),
  ..."100.64.0.1 100.127.255.254 100.100.100.200 169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.1".split(
    " "
  ),
  ..."192.0.0.192 192.0.0.1 168.63.129.16 169.254.170.2".split(" "),
  // Documentation, benchmarks, relays.
  ..."192.0.2.1 198.51.100.1 203.0.113.9 198.18.0.1 198.19.255.255 192.88.99.1".split(" "),
  // IPv6 of its own.
  ..."[::1] [::] [0:0:0:0:0:0:0:1] [fe80::1] [febf::1] [fec0::1] [fc00::1] [fd00:ec2::254] [fdff::1] [ff02::1] [ff0e::1]".split(
    " "
  ),
  ..."[2001:db8::1] [3fff::1] [100::1] [2001:2::1] [2001:10::1] [2001:20::1] [5f00::1] [4000::1]".split(" "),
  // IPv4 in IPv6: mapped, compatible, NAT64, 6to4, Teredo.
  ..."[::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:0:127.0.0.1]".split(
    " "
  ),
  ..."[::127.0.0.1] [::7f00:1] [::a00:1] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b::10.0.0.1] [64:ff9b:1::1]".split(
    " "
  ),
  ..."[2002:7f00:1::] [2002:a9fe:a9fe::1] [2002:c0a8:101::] [2001:0:7f00:1::] [2001::7f00:1] [2001:0:53aa:64c:0:0:80ff:fffe]".split(
    " "
  )
]

/** No URL at all, or none of ours. */
const noUrls = [
  "http://[fe80::1%25eth0]/",
  "http://[fe80::1%eth0]/",
  "http://127.0.0.1:99999/",
  "http://",
  "http://256.256.256.256/",
  "http://1.2.3.4.5/",
  "file:///etc/passwd",
  "gopher://127.0.0.1/",
  "unix:/var/run/docker.sock",
  "//127.0.0.1/",
  "javascript:alert(1)"
]

const tricks = (port: number) => [
  `http://example.com@127.0.0.1:${port}/`,
  `http://example.com:80@127.0.0.1:${port}/`,
  `http://user:password@93.184.216.34:${port}/`,
  `http://127.0.0.1:${port}#@example.com/`,
  `http://127.0.0.1:${port}\\@example.com/`,
  `http://127.0.0.1\t:${port}/`,
  `http:127.0.0.1:${port}/`,
  `http:///127.0.0.1:${port}/`,
  "http://93.184.216.34:0/",
  "https://93.184.216.34:0/"
]

describe("webhook targets", () => {
  it("are more than enough", () => {
    assert.isAbove(literals.length + Object.keys(names).length + noUrls.length + tricks(1).length, 120)
  })

  const refused = async (url: string) => {
    const before = connects
    const error = await Effect.runPromise(Effect.flip(sending(url)))
    assert.include(["forbidden", "unresolved"], error.reason, url)
    assert.strictEqual(connects, before, `${url} was connected to`)
  }

  it("literal addresses that are not public: refused without a connection, over both schemes", async () => {
    for (const host of literals) {
      for (const scheme of ["http", "https"]) await refused(`${scheme}://${host}:${canaryPort}/`)
    }
    assert.strictEqual(arrived, 0)
  })

  it("they are refused at creation already, and are not resolved", () => {
    const { refusal } = makeSender(strict, () => assert.fail("resolved"))
    for (const host of literals) assert.isDefined(refusal(new URL(`http://${host}/`)), host)
    assert.isUndefined(refusal(new URL("https://hooks.example.org/oi")))
    assert.isUndefined(refusal(new URL("https://93.184.216.34/")))
  })

  it("names that resolve to them, also among others", async () => {
    for (const name of Object.keys(names)) await refused(`http://${name}:${canaryPort}/`)
    assert.strictEqual(arrived, 0)
  })

  it("credentials, tricks with them, and ports", async () => {
    for (const url of [...noUrls, ...tricks(canaryPort)]) await refused(url)
    assert.strictEqual(arrived, 0)
  })

  it("the spy and the canary see what is allowed", async () => {
    const before = connects
    const error = await Effect.runPromise(
      Effect.flip(sending(`http://127.1:${canaryPort}/`, { ...strict, allowPrivate: true }))
    )
    assert.deepStrictEqual([error.reason, connects - before, arrived], ["unreachable", 1, 1])
  })

  it("a name is resolved once a request, and that address is connected to: it cannot change in between", async () => {
    const sink = await listeningSink()
    const policy = { allowPrivate: false, allowedNetworks: ["127.0.0.1/32"] }
    const asked: Array<string> = []
    const rebinding: Resolve = (hostname, found) => {
      asked.push(hostname)
      found(null, [{ address: asked.length % 2 === 1 ? "127.0.0.1" : "127.0.0.2", family: 4 }])
    }
    const send = sending(`http://rebind.example:${sink.port}/`, policy, rebinding)
    assert.strictEqual((await Effect.runPromise(send)).status, 200)
    assert.deepStrictEqual([asked.length, sink.got.length], [1, 1])
    assert.strictEqual(sink.got[0]?.headers.host, `rebind.example:${sink.port}`)
    const before = connects
    assert.strictEqual((await Effect.runPromise(Effect.flip(send))).reason, "forbidden")
    assert.deepStrictEqual([asked.length, sink.got.length, connects - before], [2, 1, 0])
  })

  it("networks are allowed by configuration, and nothing beside them", () => {
    const isAllowed = makeIsAllowed({ allowPrivate: false, allowedNetworks: ["10.1.0.0/16", "fd00:1::/32"] })
    for (const address of ["10.1.0.1", "10.1.255.255", "fd00:1::7", "::ffff:10.1.0.1", "64:ff9b::10.1.0.1"])
      assert.isTrue(isAllowed(address), address)
    for (const address of ["10.2.0.1", "fd00:2::1", "127.0.0.1", "::1", ""]) assert.isFalse(isAllowed(address), address)
  })

  it("what is public is allowed", () => {
    const isAllowed = makeIsAllowed(strict)
    for (const address of [
      ..."1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.0 223.255.255.255".split(
        " "
      ),
      ..."2606:4700:4700::1111 2001:4860:4860::8888 2a00:1450::1 ::ffff:8.8.8.8 64:ff9b::808:808".split(" ")
    ])
      assert.isTrue(isAllowed(address), address)
  })
})
