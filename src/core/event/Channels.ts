/** Who follows what: from an event to those who are interested, at a cost that depends on them alone. */
import type { LogEvent, NewEvent } from "./LogEvent.ts"
import { changeOf, type FollowScope, isOfAnotherAgent, keyOf } from "./membership.ts"

/** Somebody who is given events, in the order of the log. Several may share one array: nobody may change it. */
export interface Receiver {
  readonly take: (events: ReadonlyArray<LogEvent>) => void
}

/** The followers of one scope, who are all given the same. */
interface Channel<R> {
  readonly kind: FollowScope["_tag"]
  readonly key: string
  /** Intents whose events it shows. */
  readonly members: Set<string>
  readonly receivers: Set<R>
  /** What has come since they were last given something. */
  gathered: Array<LogEvent>
}

export class Channels<R extends Receiver> {
  readonly #channels = new Map<string, Channel<R>>()
  readonly #byIntent = new Map<string, Set<Channel<R>>>()
  #everything: Channel<R> | undefined
  /** Channels that have gathered something. */
  #ready: Array<Channel<R>> = []

  /** Members of a group that is followed already. */
  membersOf(key: string): ReadonlySet<string> | undefined {
    return this.#channels.get(key)?.members
  }

  /** `members` are those of a group as of the last event that was dispatched. */
  join(scope: FollowScope, members: Iterable<string>, receiver: R): void {
    const key = keyOf(scope)
    let channel = this.#channels.get(key)
    if (channel === undefined) {
      channel = { kind: scope._tag, key, members: new Set(), receivers: new Set(), gathered: [] }
      this.#channels.set(key, channel)
      if (scope._tag === "Everything") this.#everything = channel
      else for (const intentId of scope._tag === "Intent" ? [scope.id] : members) this.#link(channel, intentId)
    }
    channel.receivers.add(receiver)
  }

  leave(scope: FollowScope, receiver: R): void {
    const channel = this.#channels.get(keyOf(scope))
    if (channel === undefined || !channel.receivers.delete(receiver) || channel.receivers.size > 0) return
    this.#channels.delete(channel.key)
    if (channel === this.#everything) this.#everything = undefined
    for (const intentId of channel.members) this.#unlink(channel, intentId)
  }

  /**
   * Gathers the event for those who are to see it, and moves memberships on. `make` is called only if there is anybody.
   * True: somebody now has something to be given, who had nothing before.
   */
  dispatch(event: NewEvent, make: () => LogEvent): boolean {
    const before = this.#ready.length
    const change = changeOf(event)
    const group = change === undefined ? undefined : this.#channels.get(change.group)
    if (group !== undefined && change?.joins === true) this.#link(group, event.intentId)
    const interested = this.#byIntent.get(event.intentId)
    if (interested !== undefined || this.#everything !== undefined) {
      const logged = make()
      if (this.#everything !== undefined) this.#gather(this.#everything, logged)
      if (interested !== undefined)
        for (const channel of interested)
          if (!isOfAnotherAgent(channel.kind, channel.key, change)) this.#gather(channel, logged)
    }
    if (group !== undefined && change?.joins === false) this.#unlink(group, event.intentId)
    return before === 0 && this.#ready.length > 0
  }

  /** Gives out what was gathered. */
  flush(): void {
    const ready = this.#ready
    this.#ready = []
    for (const channel of ready) {
      const { gathered } = channel
      channel.gathered = []
      for (const receiver of channel.receivers) receiver.take(gathered)
    }
  }

  /** Everybody, in no order. */
  *receivers(): Generator<R> {
    for (const channel of this.#channels.values()) yield* channel.receivers
  }

  #gather(channel: Channel<R>, event: LogEvent): void {
    if (channel.gathered.push(event) === 1) this.#ready.push(channel)
  }

  #link(channel: Channel<R>, intentId: string): void {
    channel.members.add(intentId)
    const interested = this.#byIntent.get(intentId)
    if (interested === undefined) this.#byIntent.set(intentId, new Set([channel]))
    else interested.add(channel)
  }

  #unlink(channel: Channel<R>, intentId: string): void {
    channel.members.delete(intentId)
    const interested = this.#byIntent.get(intentId)
    interested?.delete(channel)
    if (interested?.size === 0) this.#byIntent.delete(intentId)
  }
}
