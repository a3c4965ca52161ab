import { freshPrefix, type RedisAddress, redisNode, redisPlaces } from '../support/redis-nodes.ts'
import { redisWorld } from '../support/redis-world.ts'
import { clusterLedgerContract } from './cluster-ledger.ts'
import { ledgerContract, type OpenedLedger } from './ledger.ts'
import { ledgerRollContract } from './ledger-roll.ts'
import { sharedStateContract } from './shared-state.ts'

// The ports that hold what nodes share: on one server and on a cluster, started once for all of them.

async function openedLedger(address: RedisAddress, keyPrefix: string): Promise<OpenedLedger> {
  const node = redisNode(address, { keyPrefix })
  await node.lease.begin()
  return {
    ledger: node.ledger,
    registry: node.registry,
    unpublishedIs: 'settled',
    publish: ({ commandId }) => node.ledger.published(commandId),
    reopen: async () => {
      await node.close()
      return openedLedger(address, keyPrefix)
    },
    dispose: () => node.close()
  }
}

async function world(address: RedisAddress) {
  const { node, empty, dispose } = redisWorld(address)
  return {
    node: async ({ id, leaseTtlMs = 5_000 }: { readonly id: string; readonly leaseTtlMs?: number }) => {
      const made = node({ nodeId: id, leaseTtlMs })
      await made.lease.begin()
      return { ...made, die: () => made.close() }
    },
    empty,
    dispose
  }
}

for (const { name, address } of redisPlaces()) {
  ledgerContract(name, () => openedLedger(address(), freshPrefix()))
  clusterLedgerContract(name, () => world(address()))
  ledgerRollContract(name, () => world(address()))
  sharedStateContract(name, () => world(address()))
}
