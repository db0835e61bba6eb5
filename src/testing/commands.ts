/** The language of the kit's programs: what agents may do, as data that can be generated, shrunk and printed. */
import * as Schema from "effect/Schema"
import { statuses } from "../core/intent/Intent.ts"
import type { Json } from "../core/json.ts"

const upTo = (maximum: number, minimum = 0) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Agent = Schema.Literals(["ann", "bob", "cid"])
export type AgentName = typeof Agent.Type
export const agentNames = Agent.literals

/** Which of the intents created so far, counted from 0 and modulo their number; -1 is one that does not exist. */
const IntentRef = upTo(4)
const IntentRefOrGhost = upTo(4, -1)
/** Which of the leases granted so far, modulo their number. */
const LeaseRef = upTo(5)

/** The version given with a change, against the one that the agent has seen before the phase. */
const Version = Schema.Literals(["seen", "seen", "seen", "seen", "older", "newer"])

/** Values of patches. Programs name them by their number, so that a shrunk one has simple ones. */
export const values: ReadonlyArray<Json> = [
  1,
  null,
  "x",
  true,
  -1.5e-7,
  [],
  {},
  [1, [2]],
  { a: 1 },
  { b: { a: [0] }, c: "\u2028é😀" },
  JSON.parse('{"__proto__":{"polluted":true}}')
]
const ValueRef = upTo(values.length - 1)

const Key = Schema.Literals(["a", "a", "b", "b", "c", "list", "a/b", "m~n", "é😀", " ", "a.b", "toString", "0"])

const Path = Schema.Union([
  Schema.TaggedStruct("Key", { key: Key }),
  Schema.TaggedStruct("Pointer", { segments: Schema.Array(Key).check(Schema.isMinLength(1), Schema.isMaxLength(3)) }),
  Schema.TaggedStruct("Pointer", {
    segments: Schema.Array(Schema.Literals(["a", "b", "c"])).check(Schema.isMinLength(2), Schema.isMaxLength(3))
  }),
  Schema.TaggedStruct("Odd", {
    path: Schema.Literals(["", "/", "/a/", "//a", "/__proto__/polluted", "/a/constructor", "/prototype", "__proto__"])
  })
])

const Op = Schema.Struct({ op: Schema.Literals(["set", "set", "append", "remove"]), path: Path, value: ValueRef })
/** One that cannot be invalid for its path alone. */
const PlainOp = Schema.Struct({
  op: Schema.Literals(["set", "set", "append", "remove"]),
  path: Schema.Union(Path.members.slice(0, 3)),
  value: ValueRef
})

const Patches = (op: typeof Op | typeof PlainOp, maximum: number, minimum = 0) =>
  Schema.TaggedStruct("Patches", {
    ops: Schema.Array(op).check(Schema.isMinLength(minimum), Schema.isMaxLength(maximum))
  })

const Merge = Schema.TaggedStruct("Merge", {
  entries: Schema.Array(
    Schema.Struct({ key: Schema.Union([Key, Schema.Literals(["/a", "a/~1", "__proto__"])]), value: ValueRef })
  ).check(Schema.isMaxLength(3))
})

/** A fencing token: none, that of the agent's latest lease on the intent, or of the latest of anybody. */
const Token = Schema.Literals(["none", "none", "none", "own", "anybody"])

export const Create = Schema.TaggedStruct("Create", {
  agent: Agent,
  parent: Schema.NullOr(IntentRefOrGhost),
  dependsOn: Schema.Array(IntentRefOrGhost).check(Schema.isMaxLength(2)),
  status: Schema.NullOr(Schema.Literals(["draft", "pending", "active", "blocked"])),
  assign: Schema.NullOr(Agent)
})

/** One that mostly works: a child, or one that waits for others. */
export const CreateLinked = Schema.TaggedStruct("Create", {
  agent: Agent,
  parent: Schema.NullOr(IntentRef),
  dependsOn: Schema.Array(IntentRef).check(Schema.isMaxLength(2)),
  status: Schema.NullOr(Schema.Literals(["active"])),
  assign: Schema.Null
})

export const Patch = Schema.TaggedStruct("Patch", {
  agent: Agent,
  intent: IntentRef,
  version: Version,
  form: Schema.Union([Patches(PlainOp, 2, 1), Patches(Op, 3), Merge]),
  token: Token
})

/** A change that fails for nothing but its version. */
export const Bump = Schema.TaggedStruct("Patch", {
  agent: Agent,
  intent: Schema.Literal(0),
  version: Schema.Literals(["seen"]),
  form: Schema.TaggedStruct("Merge", {
    entries: Schema.Array(Schema.Struct({ key: Schema.Literals(["a", "b"]), value: ValueRef })).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(1)
    )
  }),
  token: Schema.Literals(["none"])
})

/** One nested `set`, beside siblings. */
export const SetNested = Schema.TaggedStruct("Patch", {
  agent: Agent,
  intent: IntentRef,
  version: Schema.Literals(["seen"]),
  form: Schema.TaggedStruct("Patches", {
    ops: Schema.Array(
      Schema.Struct({
        op: Schema.Literals(["set"]),
        path: Schema.TaggedStruct("Pointer", {
          segments: Schema.Array(Schema.Literals(["a", "b", "c"])).check(Schema.isMinLength(2), Schema.isMaxLength(3))
        }),
        value: ValueRef
      })
    ).check(Schema.isMinLength(1), Schema.isMaxLength(1))
  }),
  token: Schema.Literals(["none"])
})

export const SetStatus = Schema.TaggedStruct("SetStatus", {
  agent: Agent,
  intent: IntentRef,
  version: Version,
  status: Schema.Literals([...statuses, "completed", "completed", "active"])
})

export const Append = Schema.TaggedStruct("Append", {
  agent: Agent,
  intent: IntentRef,
  type: Schema.Literals([
    "comment",
    "x.own",
    "task.created",
    "state_patched",
    "status_changed",
    "lease_acquired",
    "nonsense"
  ]),
  value: ValueRef
})

const Seconds = Schema.Literals([1, 1, 2, 60])

export const Acquire = Schema.TaggedStruct("Acquire", {
  agent: Agent,
  intent: upTo(1),
  scope: Schema.Literals(["a", "a", "a.b", "b", "*", "work", "A"]),
  seconds: Seconds
})

/** `elsewhere`: under the path of another intent, where there is no such lease. */
export const Renew = Schema.TaggedStruct("Renew", {
  agent: Agent,
  lease: LeaseRef,
  seconds: Seconds,
  elsewhere: Schema.Literals([false, false, false, true])
})
export const Release = Schema.TaggedStruct("Release", {
  agent: Agent,
  lease: LeaseRef,
  elsewhere: Schema.Literals([false, false, false, true])
})
export const Revoke = Schema.TaggedStruct("Revoke", { agent: Agent, lease: LeaseRef })

/** By the agent that holds the lease. */
export const RenewOwn = Schema.TaggedStruct("RenewOwn", { lease: LeaseRef, seconds: Seconds })
export const ReleaseOwn = Schema.TaggedStruct("ReleaseOwn", { lease: LeaseRef })

export const Assign = Schema.TaggedStruct("Assign", {
  agent: Agent,
  intent: IntentRef,
  who: Agent,
  role: Schema.Literals(["worker", "reviewer"])
})
export const Unassign = Schema.TaggedStruct("Unassign", { agent: Agent, intent: IntentRef, who: Agent })

/** Reads the intent between two readings of its log, a few times, while others write. */
export const Watch = Schema.TaggedStruct("Watch", { agent: Agent, intent: upTo(1) })

/** Lets time pass, before the other commands of its phase. */
export const Pass = Schema.TaggedStruct("Pass", { seconds: Schema.Literals([1, 1, 2]) })

export type Command =
  | typeof Create.Type
  | typeof Patch.Type
  | typeof SetStatus.Type
  | typeof Append.Type
  | typeof Acquire.Type
  | typeof Renew.Type
  | typeof Release.Type
  | typeof Revoke.Type
  | typeof RenewOwn.Type
  | typeof ReleaseOwn.Type
  | typeof Assign.Type
  | typeof Unassign.Type
  | typeof Watch.Type
  | typeof Pass.Type
