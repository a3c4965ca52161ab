import { freshPrefix, type RedisAddress, redisNode, redisPlaces } from '../support/redis-nodes.ts'
import { ledgerContract, type OpenedLedger } from './ledger.ts'

async function opened(address: RedisAddress, keyPrefix: string): Promise<OpenedLedger> {
  const node = redisNode(address, { keyPrefix })
  await node.lease.begin()
  return {
    ledger: node.ledger,
    registry: node.registry,
    unpublishedIs: 'settled',
    publish: ({ commandId }) => node.ledger.published(commandId),
    reopen: async () => {
      await node.close()
      return opened(address, keyPrefix)
    },
    dispose: () => node.close()
  }
}

for (const { name, address } of redisPlaces()) ledgerContract(name, () => opened(address(), freshPrefix()))
