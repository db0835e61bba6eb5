/**
 * `openintent/testing`: properties of the protocol, to be run against any engine or server, and the conformance suite
 * of the storage port. Needs no test runner.
 */
export { checkAll, type Invariant, invariants } from "./Invariant.ts"
export {
  type CheckOptions,
  InvariantViolated,
  type Report,
  type Sink,
  type SinkRequest,
  type TimeSettings
} from "./Suite.ts"
export { type StorageCheck, StorageViolated } from "./storage/check.ts"
export { storageSuite, type StorageSuiteOptions } from "./storageSuite.ts"
