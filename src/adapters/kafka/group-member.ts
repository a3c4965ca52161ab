import { Consumer, type GroupAssignment } from '@platformatic/kafka'
import { unlessAborted, within } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import { clientOptions, type KafkaConnection } from './connection-options.ts'
import type { Generation } from './group-offsets.ts'

export interface GroupTiming {
  /** A member that is silent for so long loses its partitions to the others. */
  readonly sessionTimeoutMs: number
  readonly heartbeatMs: number
}

export interface GroupMember {
  /** When the coordinator last showed that this member is one. */
  lastSignMs(): number
  /** Leaves the group, so that the others take over at once. */
  close(): Promise<void>
}

export interface GroupMemberOptions extends GroupTiming {
  readonly connection: KafkaConnection
  readonly group: string
  readonly topic: string
  readonly clock: Clock
  /** Aborted when the source is closed: a join that still goes on is left behind. */
  readonly closing: AbortSignal
  readonly onGeneration: (generation: Generation) => void
  /** The member is of no more use: a rejoin failed. */
  readonly onLost: (error: unknown) => void
}

const closeMs = 2000

/**
 * Joins the group (classic protocol). Resolves with its first generation told; rejects when that cannot be had, and with the reason
 * of `closing` when that is aborted first: a join waits for the other members, or for a coordinator that hangs.
 */
export async function joinGroup(options: GroupMemberOptions): Promise<GroupMember> {
  const { connection, group, topic, sessionTimeoutMs, heartbeatMs, clock } = options
  const consumer = new Consumer({
    // A join is answered when every member has joined or was given up, which takes up to the rebalance timeout.
    ...clientOptions({ ...connection, requestTimeoutMs: sessionTimeoutMs + 5000 }),
    groupId: group,
    retries: 3,
    retryDelay: 500,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatMs
  })
  consumer.topics.track(topic)
  let joinedMs = clock.now()
  let current: AbortController | undefined
  let isClosed = false
  const leave = async (): Promise<void> => {
    isClosed = true
    current?.abort()
    // Leaving is a courtesy. When the coordinator does not answer, the session ends by itself.
    await within(clock, closeMs, consumer.close(true), () => undefined)
  }
  // The library tells no end of a generation, only the beginning of the next: that ends the one before.
  consumer.on('consumer:group:join', ({ memberId, generationId, assignments }) => {
    if (isClosed) return
    joinedMs = clock.now()
    current?.abort()
    current = new AbortController()
    const partitions = partitionsOf(assignments, topic)
    options.onGeneration({ memberId, generationId: generationId ?? -1, partitions, signal: current.signal })
  })
  const lost = (error: unknown): void => {
    if (!isClosed) options.onLost(error)
  }
  consumer.on('error', lost)
  consumer.on('consumer:heartbeat:stalled', ({ lastError }) => lost(lastError ?? new Error('heartbeats have stalled')))
  try {
    const joining = consumer.joinGroup({
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatMs
    })
    await unlessAborted(joining, options.closing)
  } catch (error) {
    await leave()
    throw error
  }
  return { lastSignMs: () => Math.max(joinedMs, consumer.lastHeartbeat?.getTime() ?? 0), close: leave }
}

function partitionsOf(assignments: readonly GroupAssignment[] | undefined, topic: string): number[] {
  return (assignments ?? []).filter((assigned) => assigned.topic === topic).flatMap(({ partitions }) => partitions)
}
