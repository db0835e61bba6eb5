/** What can be wrong with a request, one thing each. A twist answers whether it applied. */
import { gzipSync } from "node:zlib"
import type { Random } from "../crash/random.ts"
import { nodeOf } from "./contract.ts"
import { type Draft, setHeader } from "./draft.ts"
import { keys } from "./keys.ts"
import type { Known } from "./known.ts"
import { anything, deep, pointers, queryValues, segments } from "./values.ts"

type Twist = (draft: Draft, random: Random, known: Known) => boolean

const oddNames = ["__proto__", "constructor", "prototype", "toString", "toJSON", "then", "", "x", "\0", "id", "version"]

/** Of the schema, under its aliases too. */
const fieldNames = ({ operation }: Draft): ReadonlyArray<string> => {
  const { properties } = nodeOf(operation.body)
  return Object.entries(nodeOf(properties)).flatMap(([name, property]) => [
    name,
    ...(/[Aa]lso read: ([\w, ]+)/.exec(String(nodeOf(property)["description"]))?.[1]?.split(/, /) ?? [])
  ])
}

const withFields =
  (change: (draft: Draft, fields: NonNullable<Draft["fields"]>, random: Random) => boolean | void): Twist =>
  (draft, random) =>
    draft.fields !== undefined && change(draft, draft.fields, random) !== false

const withRaw =
  (raw: (json: string, random: Random) => string | Buffer): Twist =>
  (draft, random) => {
    if (draft.fields === undefined) return false
    const json = `{${draft.fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`
    draft.raw = raw(json, random)
    return true
  }

const header =
  (name: string, values: ReadonlyArray<string | undefined>, onlyIf: (draft: Draft) => boolean = () => true): Twist =>
  (draft, random) => {
    if (!onlyIf(draft)) return false
    setHeader(draft, name, random.oneOf(values))
    return true
  }

const reads = (name: string) => (draft: Draft) =>
  draft.operation.parameters.some((parameter) => parameter.name === name)

const bomb = gzipSync(Buffer.alloc(10_000_000, " "))

export const twists: { readonly [name: string]: Twist } = {
  "a field is anything": withFields((draft, fields, random) => {
    const names = [...fieldNames(draft), ...fields.map(([name]) => name)]
    if (names.length === 0) return false
    const name = random.oneOf(names)
    draft.fields = [...fields.filter(([other]) => other !== name), [name, anything(random)]]
  }),
  "a field more is anything": withFields((_, fields, random) => {
    fields.push([random.oneOf(oddNames), anything(random)])
  }),
  "a field is missing": withFields((draft, fields, random) => {
    const gone = random.below(fields.length + 1)
    draft.fields = fields.filter((_, at) => at !== gone)
  }),
  "a field is null": withFields((draft, fields, random) => {
    const which = random.below(fields.length + 1)
    draft.fields = fields.map(([name, json], at) => [name, at === which ? "null" : json])
  }),
  "a field twice": withFields((_, fields, random) => {
    if (fields.length > 0) fields.push([random.oneOf(fields)[0], anything(random)])
  }),
  "a field deep inside": withFields((draft, fields, random) => {
    if (random.below(20) > 0) return false
    fields.push([random.oneOf([...fieldNames(draft), "x"]), deep(random)])
  }),
  "odd patches": withFields((draft, _, random) => {
    if (!fieldNames(draft).includes("patches")) return false
    const patches = Array.from({ length: 1 + random.below(3) }, () => {
      const op = random.oneOf(['"set"', '"append"', '"remove"', '"set"', '"test"', "null", '"__proto__"'])
      return `{"op":${op},"path":${JSON.stringify(random.oneOf(pointers))},"value":${anything(random)}}`
    })
    draft.fields = [["patches", `[${patches.join()}]`]]
  }),
  "not JSON": withRaw((json, random) =>
    random.oneOf<() => string | Buffer>([
      () => json.slice(0, random.below(json.length)),
      () => `${json}${random.oneOf(["}", ",", "x", "\0", json, " {}"])}`,
      () => `// note\n${json}`,
      () => json.replace("{", "{/* note */"),
      () => json.replaceAll('"', "'"),
      () => json.replace("}", ",}"),
      () => `)]}',\n${json}`,
      () => `\ufeff${json}`,
      () => Buffer.from(json, "utf16le"),
      () => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(json, "utf16le")]),
      () => Buffer.concat([Buffer.from(json.slice(0, -1)), Buffer.from([0xff, 0xc0, 0xaf]), Buffer.from("}")]),
      () => Buffer.from('{"title":"\xed\xa0\x80"}', "latin1"),
      () => "",
      () => " \n\t",
      () => "\0".repeat(100),
      () => "{".repeat(10_000),
      () => random.oneOf(["undefined", "NaN", "nul", "tru", "'", '"', "{]", "[}", "-", "\\u0000"])
    ])()
  ),
  "no object": withRaw((json, random) =>
    random.oneOf([`[${json}]`, "[]", "null", "7", "true", '"x"', JSON.stringify(json)])
  ),
  "white space around": withRaw((json, random) => {
    const space = " \n".repeat(random.below(2000))
    return space + json + space
  }),
  "too large": withRaw((json, random) =>
    random.below(10) === 0 ? json.replace("{", `{"x":"${"y".repeat(1_200_000)}"${json === "{}" ? "" : ","}`) : json
  ),
  "content type": header("Content-Type", [
    undefined,
    "",
    "text/plain",
    "text/json",
    "application/xml",
    "application/json; charset=utf-16",
    "application/json;charset=UTF-8",
    "APPLICATION/JSON",
    "application/merge-patch+json",
    "application/json, text/plain",
    "application/jsonx",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "*/*",
    "; ; ;"
  ]),
  "encoded body": (draft, random) => {
    if (draft.fields === undefined) return false
    setHeader(draft, "Content-Encoding", random.oneOf(["gzip", "br", "deflate", "identity", "x", "gzip, gzip"]))
    if (random.below(3) === 0) draft.raw = bomb
    return true
  },
  "a body where none belongs": (draft, random) => {
    if (draft.operation.body !== undefined) return false
    draft.raw = random.oneOf(["{}", "[", "x".repeat(1000), ""])
    setHeader(draft, "Content-Type", random.oneOf(["application/json", "text/plain", undefined]))
    return true
  },
  "no body": (draft) => {
    if (draft.fields === undefined) return false
    draft.fields = undefined
    return true
  },
  "another version": header(
    "If-Match",
    [
      undefined,
      "",
      "*",
      "0",
      "-1",
      "1",
      "2",
      '"1"',
      'W/"1"',
      '"1',
      "W/1",
      "1, 2",
      "1e3",
      "999999999999999",
      "9".repeat(40),
      "ÿ"
    ],
    reads("if-match")
  ),
  "another agent": header("X-Agent-ID", [
    undefined,
    "",
    " ",
    "system",
    "borea",
    "x".repeat(255),
    "x".repeat(256),
    "x".repeat(5000),
    "\u00ff\u00fe",
    Buffer.from("wörker-漢").toString("latin1"),
    "__proto__",
    "key_0123456789ab",
    "a,b",
    "a\tb"
  ]),
  "a token": header("X-Lease-Token", ["", "0", "1", "-1", "1.5", "x", "1e999", "9007199254740993", " 7 ", "__proto__"]),
  "another profile": header("X-OpenIntent-Profile", ["1", "2", "3", "", "banana", "2, 1"]),
  "an idempotency key": (draft, random) => {
    const value = random.oneOf(["k0", "k0", "", "x".repeat(256), "x".repeat(3000), "ÿ", " ", "__proto__"])
    setHeader(draft, "Idempotency-Key", value)
    return true
  },
  "a last event": header("Last-Event-ID", ["-1", "0", "1", "abc", "1e999", "9007199254740993", "", "0x1"]),
  "a request id": header("X-Request-ID", ["r-1", "", "x".repeat(300), "a b", "ÿ", "__proto__", "<script>"]),
  "another key": (draft, random) => {
    const value = random.oneOf([
      ...keys.map(({ key }) => key),
      undefined,
      "",
      "wrong",
      "x".repeat(5000),
      "ÿ",
      "__proto__",
      "Bearer x"
    ])
    if (random.below(2) === 0)
      setHeader(draft, "Authorization", random.oneOf(["Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "bearer  x"]))
    setHeader(draft, "X-API-Key", value)
    return true
  },
  "another host": header("Host", [
    "evil.example",
    "localhost",
    "127.0.0.1:1",
    "[::1]",
    "localhost.",
    "",
    "LOCALHOST:80",
    "a:b:c",
    "127.1"
  ]),
  "other headers": (draft, random) => {
    const [name, value] = random.oneOf<readonly [string, string]>([
      ["Range", "bytes=0-1"],
      ["If-None-Match", "*"],
      ["If-Modified-Since", "Sun, 22 Nov 2026 00:00:00 GMT"],
      ["Accept", "text/html"],
      ["Accept", "image/png;q=0.1"],
      ["Accept-Encoding", "gzip, br, *;q=0"],
      ["Origin", "https://evil.example"],
      ["Origin", "null"],
      ["Origin", "https://app.example"],
      ["Access-Control-Request-Method", "DELETE"],
      ["X-HTTP-Method-Override", "DELETE"],
      ["X-Forwarded-For", "127.0.0.1, ::1"],
      ["X-Forwarded-Host", "evil.example"],
      ["Forwarded", "for=_x;host=evil"],
      ["Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
      ["Traceparent", "00-zz"],
      ["B3", "x"],
      ["Cookie", "a=b; __proto__=x; ".repeat(20)],
      ["__proto__", "x"],
      ["constructor", "x"],
      ["Upgrade-Insecure-Requests", "1"],
      ["Connection", "close"],
      ["Expect", "100-continue"],
      ["Cache-Control", "no-store"],
      ["TE", "trailers"],
      ["X-Large", "x".repeat(7000)],
      ["X-Larger", "x".repeat(17_000)]
    ])
    draft.headers.push([name, value])
    return true
  },
  "many headers": (draft, random) => {
    for (let n = random.below(300); n > 0; n--) draft.headers.push([`X-${n}`, "v"])
    return true
  },
  "an id is anything": (draft, random) => {
    if (draft.ids.length === 0) return false
    draft.ids[random.below(draft.ids.length)] = random.oneOf(segments)
    return true
  },
  "an id of something else": (draft, random, known) => {
    if (draft.ids.length === 0) return false
    const collection = random.oneOf([
      "intents",
      "leases",
      "portfolios",
      "subscriptions",
      "approvals",
      "events",
      "agents"
    ])
    draft.ids[random.below(draft.ids.length)] = encodeURIComponent(known.oneOf(collection, random) ?? "nobody")
    return true
  },
  "an id in another form": (draft, random) => {
    const at = random.below(draft.ids.length)
    const id = draft.ids[at]
    if (id === undefined) return false
    const percent = [...id].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join("")
    draft.ids[at] = random.oneOf([
      id.toUpperCase(),
      percent,
      `${id}%20`,
      `%20${id}`,
      `${id}%00`,
      `${id}/`,
      `{${id}}`,
      id.slice(1)
    ])
    return true
  },
  "an odd query": (draft, random) => {
    const names = draft.operation.parameters.filter(({ place }) => place === "query").map(({ name }) => name)
    for (let n = 1 + random.below(3); n > 0; n--) {
      const name = random.oneOf([
        ...names,
        ...names,
        "limit",
        "offset",
        "after",
        "x",
        "__proto__",
        "limit[]",
        "",
        "%00",
        "%ff"
      ])
      draft.query.push([name, random.oneOf(queryValues)])
    }
    return true
  },
  "another method": (draft, random) => {
    draft.method = random.oneOf([
      "GET",
      "HEAD",
      "POST",
      "PUT",
      "PATCH",
      "DELETE",
      "OPTIONS",
      "TRACE",
      "PROPFIND",
      "SEARCH"
    ])
    return true
  }
}
