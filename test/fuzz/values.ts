/** Values that have broken servers elsewhere, as JSON text where no value has such a form. */
import type { Random } from "../crash/random.ts"

const long = (length: number) => "x".repeat(length)

/** Of any length up to what a body may have: mostly short. */
const texts: ReadonlyArray<() => string> = [
  () => '""',
  () => '" "',
  () => '"\\u0000"',
  () => '"a\\u0000b"',
  () => '"\\ud800"',
  () => '"a\\udc00b"',
  () => '"\\ud83e\\uddff"',
  () => '"\\u202e\\ufeff\\u2028"',
  () => '"\ud800"', // Raw: becomes U+FFFD in UTF-8.
  () => JSON.stringify("é漢🧿"),
  () => JSON.stringify("e\u0301".repeat(40)),
  () => JSON.stringify("🧿".repeat(130)),
  () => JSON.stringify(long(101)),
  () => JSON.stringify(long(256)),
  () => JSON.stringify(long(501)),
  () => JSON.stringify(long(100_001)),
  () => JSON.stringify(long(300_000)),
  () => JSON.stringify('\n\r\t\b\f\\"'),
  () => '"__proto__"',
  () => '"constructor"',
  () => '"prototype"',
  () => '"hasOwnProperty"',
  () => '"system"',
  () => '"null"',
  () => '"undefined"',
  () => '"NaN"',
  () => '"1e999"',
  () => '"true"',
  () => '"[object Object]"',
  () => '"../../etc/passwd"',
  () => '"C:\\\\nul"',
  () => '"javascript:alert(1)"',
  () => '"<script>alert(1)</script>"',
  () => '"http://[::1]:1/"',
  () => '"http://169.254.169.254/latest"',
  () => '"%00%2f..%2f"',
  () => '"\' OR 1=1 --"',
  () => '"2031-02-30"',
  () => '"9999-12-31T23:59:59.999999999Z"',
  () => '"0000-01-01T00:00:00"',
  () => '"+275760-09-13T00:00:00Z"',
  () => '"-000001-01-01T00:00:00Z"',
  () => '"00000000-0000-4000-8000-000000000000"',
  () => '"${jndi:ldap://x}"',
  () => '"=cmd|x"',
  () => '"*"',
  () => '"%s%n"'
]

const numbers = [
  "0",
  "-0",
  "0.0",
  "-1",
  "1",
  "1.5",
  "0.1",
  "1e0",
  "1E+2",
  "1e-7",
  "5e-324",
  "1e-400",
  "1e308",
  "1e309",
  "-1e309",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "-9007199254740993",
  "2147483648",
  "4294967296",
  "18446744073709551616",
  "123456789012.123456789012",
  "0.0000000000001",
  "0.30000000000000004",
  "1000000000000000000000000000000",
  `1${"0".repeat(400)}`,
  `0.${"1".repeat(400)}`
]

/** Not JSON, where a number might have been. */
const noNumbers = ["NaN", "Infinity", "-Infinity", "01", "+1", ".5", "1.", "0x10", "1_000", "1n", "--1", "1e"]

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)

const composites: ReadonlyArray<() => string> = [
  () => "null",
  () => "true",
  () => "false",
  () => "[]",
  () => "{}",
  () => "[null]",
  () => "[[]]",
  () => '["",""]',
  () => '[{"a":1},2,"3",null]',
  () => '{"a":{"b":{"c":[1,2,{"d":null}]}}}',
  () => '{"__proto__":{"polluted":true}}',
  () => '{"__proto__":null}',
  () => '{"constructor":{"prototype":{"polluted":true}}}',
  () => '{"prototype":{"polluted":true},"toString":1,"valueOf":"x","hasOwnProperty":0}',
  () => '{"a":1,"a":2,"a":{"__proto__":{"polluted":true}}}',
  () => '{"":"","\\u0000":1}',
  () => '{"\\ud800":1}',
  () => '{"toJSON":"x","then":"y","length":-1}',
  () => nested("[", "]", 60),
  () => nested('{"x":', "}", 60).replace(/:}/, ":1}"),
  () => nested("[", "]", 500),
  () => `[${Array.from({ length: 1001 }, (_, n) => `"n${n}"`).join()}]`,
  () => JSON.stringify(Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`k${n}`, n]))),
  () => JSON.stringify({ a: long(270_000) })
]

/** A value that may be anything, as JSON text. */
export const anything = (random: Random): string => {
  const kind = random.below(20)
  if (kind < 9) return random.oneOf(texts)()
  if (kind < 13) return random.oneOf(numbers)
  if (kind === 13) return random.oneOf(noNumbers)
  return random.oneOf(composites)()
}

/** Deeper than any stack: arrays and objects 10,000 levels inside each other. */
export const deep = (random: Random): string =>
  random.below(2) === 0 ? nested("[", "]", 10_000) : `${'{"x":['.repeat(5000)}${"]}".repeat(5000)}`

/** JSON pointers and names of top-level keys, as patches have them. */
export const pointers = [
  "/notes",
  "/a",
  "/a/b",
  "/a/b/c/d",
  "/list/-",
  "/list/0",
  "/list/1e3",
  "/list/-1",
  "/~1escaped",
  "/~0tilde",
  "/~01",
  "/~2",
  "/~",
  "/",
  "//",
  "",
  "notes",
  "a.b",
  "/__proto__",
  "/__proto__/polluted",
  "/constructor/prototype/polluted",
  "/a/__proto__/polluted",
  "/prototype",
  "/toString",
  "/\u0000",
  "/é漢🧿",
  "/ spaces and\nlines",
  `/${"x/".repeat(300)}`,
  `/${long(5000)}`,
  "/9007199254740993",
  "#/a",
  "$.a"
]

/** Segments of a path, as they stand in the request line. */
export const segments = [
  "",
  ".",
  "..",
  "%2e%2e",
  "%2E",
  "%00",
  "%0d%0aX-Injected:%201",
  "%ff",
  "%",
  "%zz",
  "%u0041",
  "a%2Fb",
  "%2f",
  "a%5Cb",
  "%20",
  "+",
  "*",
  "~",
  ":id",
  "{intentId}",
  ";a=b",
  "__proto__",
  "constructor",
  "%5F%5Fproto%5F%5F",
  "%F0%9F%A7%BF",
  "%ED%A0%80",
  "%C0%AF",
  long(255),
  long(5000),
  "%C3%A9".repeat(300),
  "'%20OR%201=1",
  "null",
  "undefined",
  "-1",
  "1e999",
  "00000000-0000-4000-8000-000000000000",
  "FFFFFFFF-FFFF-4FFF-8FFF-FFFFFFFFFFFF"
]

/** What stands behind `=` in a query. */
export const queryValues = [
  "",
  "0",
  "1",
  "2",
  "-1",
  "1000",
  "1001",
  "1.0",
  "1e2",
  "+1",
  "%201",
  "NaN",
  "Infinity",
  "1e400",
  "9007199254740991",
  "9007199254740993",
  "0x10",
  "x",
  "true",
  "null",
  "%00",
  "%ff",
  "%ED%A0%80",
  "%",
  "%25",
  "__proto__",
  "active",
  "banana",
  "asc",
  "all",
  "2031-05-06T07:08:09",
  "2031-05-06T07:08:09+02:00",
  "1970-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999Z",
  "2031-02-30",
  "%F0%9F%A7%BF",
  "..",
  "1,2",
  "[1]",
  long(3000)
]
