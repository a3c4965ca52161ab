import { keyOf } from '../../src/ports/records.ts'
import { type OpenedEmbedded, openTemporaryEmbedded } from '../support/embedded.ts'
import { type OpenedRegistry, sessionRegistryContract } from './session-registry.ts'

function opened(embedded: OpenedEmbedded): OpenedRegistry {
  const { registry, clock, store } = embedded
  return {
    registry,
    isShared: false,
    clock,
    outrun: (chargePointId, epoch) =>
      store.commit([
        {
          table: 'chargePoints',
          key: keyOf.chargePoint(chargePointId),
          value: { chargePointId, epoch, version: '1.6', connections: [] }
        }
      ]),
    reopen: async () => opened(await embedded.reopen()),
    dispose: () => embedded.dispose()
  }
}

sessionRegistryContract('embedded', async () => opened(await openTemporaryEmbedded()))
