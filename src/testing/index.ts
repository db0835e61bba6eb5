/**
 * `openintent/testing`: properties of the protocol, to be run against any engine or server, and the conformance suite
 * of the storage port. Needs no test runner.
 */
export { checkAll, type CheckOptions, type Invariant, invariants, InvariantViolated, type Report } from "./Invariant.ts"
export type { TimeSettings } from "./run.ts"
export { type StorageCheck, StorageViolated } from "./storage/check.ts"
export { storageSuite, type StorageSuiteOptions } from "./storageSuite.ts"
