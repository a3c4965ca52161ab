import { Admin, FindCoordinatorKeyTypes, offsetCommitV8 } from '@platformatic/kafka'
import { clientOptions, type KafkaConnection, letGo } from './connection-options.ts'

/** A membership in a consumer group from one rebalance to the next. */
export interface Generation {
  readonly memberId: string
  readonly generationId: number
  readonly partitions: readonly number[]
  /** Aborted when the group has moved on, or the member is gone. */
  readonly signal: AbortSignal
}

/**
 * The committed offsets of a group. The library's own `commit` joins the group again when its generation is over and then
 * commits what it may no longer own; here the broker compares the generation that read the records, and refuses.
 */
export interface GroupOffsets {
  /** Offsets to read next, by partition. Resolves when the broker has confirmed them. */
  commit(generation: Generation, offsets: ReadonlyMap<number, bigint>): Promise<void>
  /** A partition without a commit is missing. */
  committed(partitions: readonly number[]): Promise<Map<number, bigint>>
  close(): void
}

export function createGroupOffsets(connection: KafkaConnection, group: string, topic: string): GroupOffsets {
  const admin = new Admin({ ...clientOptions(connection), retries: 0 })
  let coordinator: { host: string; port: number } | undefined

  const findCoordinator = async () => {
    const [found] = await admin.findCoordinator({ keyType: FindCoordinatorKeyTypes.GROUP, keys: [group] })
    if (!found) throw new Error(`Kafka names no coordinator of the group ${group}`)
    return { host: found.host, port: found.port }
  }

  return {
    async commit({ memberId, generationId }, offsets) {
      const partitions = [...offsets].map(([partitionIndex, committedOffset]) => ({
        partitionIndex,
        committedOffset,
        committedLeaderEpoch: -1,
        committedMetadata: null
      }))
      try {
        coordinator ??= await findCoordinator()
        const socket = await admin.connections.get(coordinator)
        await offsetCommitV8.api.async(socket, group, generationId, memberId, null, [{ name: topic, partitions }])
      } catch (error) {
        coordinator = undefined
        throw error
      }
    },
    async committed(partitions) {
      const [answer] = await admin.listConsumerGroupOffsets({
        groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [...partitions] }] }],
        requireStable: true
      })
      const answered = answer?.topics.find(({ name }) => name === topic)?.partitions ?? []
      // Taken for "never committed", a partition that is left out would be consumed from its beginning.
      if (answered.length < partitions.length) throw new Error(`Kafka does not tell all offsets of the group ${group}`)
      const offsets = new Map<number, bigint>()
      for (const { partitionIndex, committedOffset } of answered)
        if (committedOffset >= 0n) offsets.set(partitionIndex, committedOffset)
      return offsets
    },
    close: () => letGo(admin)
  }
}
