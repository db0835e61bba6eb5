import { assert, describe, it } from "@effect/vitest"
import type { Patch, PatchState } from "../../src/core/intent/Intent.ts"
import { applyPatches, loggedPatches, readPatches, touched } from "../../src/core/intent/statePatch.ts"
import type { JsonObject } from "../../src/core/json.ts"
import { jsonDepthMax } from "../../src/core/json.ts"
import { Checks, limits } from "../../src/core/validate.ts"
import { refused, succeeded } from "./records.ts"

const parse = (input: Omit<PatchState, "version">) => {
  const checks = new Checks()
  const patches = readPatches(checks, { version: 1, ...input })
  return succeeded(checks.finishSized(patches))
}

/** Fields at fault. */
const faults = (input: { readonly patches?: unknown; readonly state?: unknown }) => {
  const checks = new Checks()
  readPatches(checks, { version: 1, ...(input as Omit<PatchState, "version">) })
  return checks.issues.map((issue) => issue.field)
}

const apply = (state: JsonObject, ...patches: ReadonlyArray<Patch>) => applyPatches(state, parse({ patches }))

const set = (path: string, value?: unknown): Patch => ({ op: "set", path, value })
const append = (path: string, value: unknown): Patch => ({ op: "append", path, value })
const remove = (path: string): Patch => ({ op: "remove", path })

describe("state patches: grammar (http.md 4.4)", () => {
  const segments: ReadonlyArray<readonly [path: string, segments: ReadonlyArray<string>]> = [
    ["a", ["a"]],
    ["a/b", ["a/b"]],
    ["a.b", ["a.b"]],
    ["a~1b", ["a~1b"]],
    ["~", ["~"]],
    [" ", [" "]],
    ["/a", ["a"]],
    ["/a/b/0", ["a", "b", "0"]],
    ["/a~1b", ["a/b"]],
    ["/a~0b", ["a~b"]],
    ["/~01", ["~1"]],
    ["/~10", ["/0"]],
    ["/~0~1", ["~/"]],
    ["/ü/😀", ["ü", "😀"]],
    ["/ ", [" "]],
    ["/toString", ["toString"]],
    ["__proto__x", ["__proto__x"]]
  ]
  for (const [path, expected] of segments) {
    it(`${JSON.stringify(path)} names ${JSON.stringify(expected)}`, () => {
      const [patch] = parse({ patches: [set(path, 1)] })
      assert.deepStrictEqual(patch?.segments, expected as never)
      assert.strictEqual(patch?.path, path)
    })
  }

  const invalid = [
    "",
    "/",
    "//",
    "/a/",
    "/a//b",
    "//a",
    "__proto__",
    "constructor",
    "prototype",
    "/__proto__",
    "/a/__proto__/b",
    "/a/constructor",
    "/prototype/a",
    "/a~",
    "/a~2b",
    "/~",
    "/a\0",
    "\ud800"
  ]
  for (const path of invalid) {
    for (const op of ["set", "append", "remove"]) {
      it(`${op} of ${JSON.stringify(path)} is refused`, () =>
        assert.deepStrictEqual(faults({ patches: [{ op, path, value: 1 }] }), ["patches[0].path"]))
    }
  }

  it("each patch is an object with a known op and a path; every fault is told", () => {
    assert.deepStrictEqual(
      faults({
        patches: [{ op: "replace", path: "/a" }, { path: "/a" }, null, "x", { op: "set" }, { op: "set", path: 5 }]
      }),
      ["patches[0].op", "patches[1].op", "patches[2]", "patches[3]", "patches[4].path", "patches[5].path"]
    )
    for (const patches of [{}, "x", 5, true]) assert.deepStrictEqual(faults({ patches }), ["patches"])
  })

  it("decision 9: a value that is not JSON is refused with its place", () => {
    assert.deepStrictEqual(faults({ patches: [set("/a", { b: [Number.NaN] })] }), ["patches[0].value.b[0]"])
    assert.deepStrictEqual(faults({ state: { a: { b: () => 1 } } }), ["state.a.b"])
  })

  it("a value that is absent is null", () => {
    assert.deepStrictEqual(succeeded(apply({}, { op: "set", path: "/a" })), { a: null })
    assert.deepStrictEqual(succeeded(apply({}, { op: "append", path: "/a" })), { a: [null] })
  })

  it("a request has at most 1,000 patches, or keys of a state", () => {
    const patches = Array.from({ length: limits.patches }, (_, i) => set(`k${i}`, i))
    assert.strictEqual(parse({ patches }).length, limits.patches)
    assert.deepStrictEqual(faults({ patches: [...patches, set("one more", 1)] }), ["patches"])
    const state = Object.fromEntries(patches.map(({ path, value }) => [path, value]))
    assert.strictEqual(parse({ state }).length, limits.patches)
    assert.deepStrictEqual(faults({ state: { ...state, "one more": 1 } }), ["state"])
  })

  it("patches win over state; nothing of either is no patch", () => {
    assert.deepStrictEqual(
      parse({ patches: [set("a", 1)], state: { b: 2 } }).map((patch) => patch.path),
      ["a"]
    )
    assert.deepStrictEqual(parse({ patches: [], state: { b: 2 } }), [])
    assert.deepStrictEqual(parse({}), [])
    assert.deepStrictEqual(parse({ state: {} }), [])
  })

  it("semantics 11: state sets each of its keys literally, whatever is in it", () => {
    const state = { "a/b": 1, "~": 2, "/c": 3, "d.e": { f: [4] }, ü: 5, toString: 6, hasOwnProperty: 7 }
    assert.deepStrictEqual(succeeded(applyPatches({}, parse({ state }))), state)
  })

  it("decision 14: the state form is logged with escaped pointers, so that replaying the log gives the state", () => {
    const before: JsonObject = { "a/b": 0, z: [1] }
    const patches = parse({ state: { "a/b": 1, "~x": { y: 2 }, z: [] } })
    const logged = loggedPatches(patches)
    assert.deepStrictEqual(
      logged.map((patch) => patch.path),
      ["/a~1b", "/~0x", "/z"]
    )
    assert.deepStrictEqual(
      succeeded(applyPatches(before, parse({ patches: logged as never }))),
      succeeded(applyPatches(before, patches))
    )
  })

  it("the state form refuses names that a path may not have", () => {
    assert.deepStrictEqual(faults({ state: { constructor: 1, prototype: 2, "": 3, a: 4 } }).toSorted(), [
      "state.",
      "state.constructor",
      "state.prototype"
    ])
    assert.deepStrictEqual(faults({ state: JSON.parse('{"__proto__":{"polluted":1}}') as unknown }), [
      "state.__proto__"
    ])
  })
})

describe("state patches: operations (http.md 4.4)", () => {
  type Case = readonly [
    name: string,
    state: JsonObject,
    patches: ReadonlyArray<Patch>,
    expected: JsonObject | { readonly index: number }
  ]
  const cases: ReadonlyArray<Case> = [
    ["set of a new key", {}, [set("/a", 1)], { a: 1 }],
    ["set replaces whatever is there", { a: { b: 1 } }, [set("/a", [2])], { a: [2] }],
    ["set to null keeps the key", { a: 1 }, [set("/a", null)], { a: null }],
    ["set creates what is between", {}, [set("/a/b/c", 1)], { a: { b: { c: 1 } } }],
    [
      "semantics 10: set keeps all siblings",
      { a: { b: 1, c: 2 }, d: 3 },
      [set("/a/b", 9)],
      { a: { b: 9, c: 2 }, d: 3 }
    ],
    ["set of a literal key makes no path", { a: { b: 1 } }, [set("a/b", 2)], { a: { b: 1 }, "a/b": 2 }],
    ["set through a number", { a: 1 }, [set("/a/b", 2)], { index: 0 }],
    ["set through null", { a: null }, [set("/a/b", 2)], { index: 0 }],
    ["set through a text", { a: "x" }, [set("/a/length", 2)], { index: 0 }],
    ["decision 14: an array is not crossed", { a: [{ b: 1 }] }, [set("/a/0/b", 2)], { index: 0 }],
    ["nor is its element set", { a: [1] }, [set("/a/0", 2)], { index: 0 }],
    ["append creates the array", {}, [append("/a/b", 1)], { a: { b: [1] } }],
    ["append adds at the end", { a: [1] }, [append("/a", 2)], { a: [1, 2] }],
    ["append of an array adds one element", { a: [1] }, [append("/a", [2, 3])], { a: [1, [2, 3]] }],
    ["append to an object", { a: {} }, [append("/a", 1)], { index: 0 }],
    ["append to a text", { a: "x" }, [append("/a", "y")], { index: 0 }],
    ["append to null", { a: null }, [append("/a", 1)], { index: 0 }],
    ["append through an array", { a: [] }, [append("/a/b", 1)], { index: 0 }],
    ["remove of a key", { a: 1, b: 2 }, [remove("/a")], { b: 2 }],
    ["remove of a nested key keeps its siblings", { a: { b: 1, c: 2 } }, [remove("/a/b")], { a: { c: 2 } }],
    ["remove of the last key leaves an empty object", { a: { b: 1 } }, [remove("/a/b")], { a: {} }],
    ["remove of a null", { a: null }, [remove("/a")], {}],
    ["remove of a missing key", { a: 1 }, [remove("/b")], { a: 1 }],
    ["remove below a missing key", { a: 1 }, [remove("/b/c/d")], { a: 1 }],
    ["remove through a number", { a: 1 }, [remove("/a/b")], { index: 0 }],
    ["remove through an array", { a: [1] }, [remove("/a/0")], { index: 0 }],
    [
      "inherited names are not there",
      {},
      [append("/toString", 1), remove("/valueOf"), set("/hasOwnProperty/x", 1)],
      {
        toString: [1],
        hasOwnProperty: { x: 1 }
      }
    ],
    [
      "patches apply in order",
      { a: 1 },
      [remove("/a"), set("/a/b", 1), append("/a/c", 2), append("/a/c", 3)],
      {
        a: { b: 1, c: [2, 3] }
      }
    ],
    [
      "the first that cannot be is told",
      { a: [], b: 1 },
      [append("/a", 1), set("/b/c", 2), append("/b", 3)],
      { index: 1 }
    ]
  ]
  for (const [name, state, patches, expected] of cases) {
    it(name, () => {
      const before = JSON.stringify(state)
      const result = apply(state, ...patches)
      if ("index" in expected) {
        const error = refused(result, "InvalidPatch")
        assert.strictEqual(error.index, expected.index)
        assert.strictEqual(error.path, patches[error.index]?.path)
      } else assert.deepStrictEqual(succeeded(result), expected)
      assert.strictEqual(JSON.stringify(state), before, "the state that was given is touched")
    })
  }

  it("semantics 8: all or nothing, also what was changed in place before the fault", () => {
    const state: JsonObject = { deep: { list: [1], other: { x: 1 } }, n: 1 }
    const patches = [
      append("/deep/list", 2),
      set("/deep/other/x", 2),
      set("/new/y", 3),
      remove("/deep/list"),
      set("/n/m", 1)
    ]
    refused(apply(state, ...patches), "InvalidPatch")
    assert.deepStrictEqual(state, { deep: { list: [1], other: { x: 1 } }, n: 1 })
  })

  it("what no patch touches is shared, what one touches is new, and all of it is frozen", () => {
    const kept = Object.freeze({ x: 1 })
    const state = Object.freeze({ kept, list: Object.freeze([kept]), deep: Object.freeze({ kept, y: 1 }) })
    const after = succeeded(
      apply(state, set("/deep/y", 2), append("/list", { z: 1 }), append("/list", 3), set("/n/m", 1))
    )
    assert.strictEqual(after.kept, kept)
    assert.strictEqual((after.deep as { kept: unknown }).kept, kept)
    assert.notStrictEqual(after.deep, state.deep)
    for (const part of [after, after.deep, after.list, after.n, (after.list as ReadonlyArray<unknown>)[1]]) {
      assert.isTrue(Object.isFrozen(part))
    }
    assert.deepStrictEqual(state, { kept, list: [kept], deep: { kept, y: 1 } })
  })

  it("a value that was set is not changed by a later patch of the same request", () => {
    const value = { list: [1] }
    const patches = parse({ patches: [set("/a", value), set("/b", value), append("/a/list", 2), set("/a/x", 1)] })
    const logged = JSON.stringify(loggedPatches(patches))
    assert.deepStrictEqual(succeeded(applyPatches({}, patches)), { a: { list: [1, 2], x: 1 }, b: { list: [1] } })
    assert.strictEqual(JSON.stringify(loggedPatches(patches)), logged, "the log tells of another value")
    assert.deepStrictEqual(value, { list: [1] })
  })

  it("semantics 12: no patch reaches a prototype, and `__proto__` inside values stays data", () => {
    const state = JSON.parse('{"__proto__":{"a":1},"x":{"__proto__":2}}') as JsonObject
    const after = succeeded(apply(state, set("/y", JSON.parse('{"__proto__":3}')), remove("/z"), set("/x/n", 1)))
    assert.strictEqual(JSON.stringify(after), '{"__proto__":{"a":1},"x":{"__proto__":2,"n":1},"y":{"__proto__":3}}')
    for (const part of [after, after.x, after.y]) assert.strictEqual(Object.getPrototypeOf(part), Object.prototype)
    assert.strictEqual(
      JSON.stringify(succeeded(apply(after, remove("/y")))),
      JSON.stringify({ ...after, y: undefined })
    )
  })

  it("no path and value together make a state deeper than JSON may be nested", () => {
    const path = (levels: number) => "/a".repeat(levels)
    const nested = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown
    const depthOf = (value: unknown): number =>
      typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
    for (const patch of [set(path(jsonDepthMax), 1), set(path(4), nested(jsonDepthMax - 4)), append(path(63), 1)]) {
      assert.isAtMost(depthOf(succeeded(apply({}, patch))), jsonDepthMax)
    }
    for (const patch of [
      set(path(jsonDepthMax + 1), 1),
      set(path(5), nested(jsonDepthMax - 4)),
      append(path(jsonDepthMax), 1),
      append(path(4), nested(jsonDepthMax - 4)),
      set(path(4900), 1)
    ]) {
      assert.strictEqual(faults({ patches: [patch] }).length, 1, patch.path.slice(0, 20))
    }
  })

  it("many patches of a wide state cost about what one does", () => {
    const state = Object.freeze(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, i])))
    const patches = Array.from({ length: limits.patches }, (_, i) =>
      i % 2 === 0 ? set(`k${i}`, -1) : append("list", i)
    )
    const parsed = parse({ patches })
    const begin = performance.now()
    const after = succeeded(applyPatches(state, parsed))
    // Copying all keys for each patch takes seconds; once takes a few milliseconds.
    assert.isBelow(performance.now() - begin, 500)
    assert.strictEqual(after.k0, -1)
    assert.strictEqual((after.list as ReadonlyArray<unknown>).length, limits.patches / 2)
  })
})

describe("state patches: what is told of them", () => {
  it("the log shows a patch as it was given, without the value of a remove", () => {
    const patches = parse({ patches: [set("a", { b: 1 }), append("/l", 1), { op: "remove", path: "/r", value: 5 }] })
    assert.deepStrictEqual(loggedPatches(patches), [
      { op: "set", path: "a", value: { b: 1 } },
      { op: "append", path: "/l", value: 1 },
      { op: "remove", path: "/r" }
    ])
  })

  it("decision 21: the top-level keys touched are kept with their values of before; new ones have none", () => {
    const patches = parse({ patches: [set("/a/b", 1), set("/new", 2), remove("/c"), set("toString", 1)] })
    assert.deepStrictEqual(touched({ a: { b: 0, x: 1 }, c: [1], d: 4 }, patches), { a: { b: 0, x: 1 }, c: [1] })
  })
})
