import { keyOf } from '../../src/ports/records.ts'
import { type OpenedEmbedded, openTemporaryEmbedded } from '../support/embedded.ts'
import { ledgerContract, type OpenedLedger } from './ledger.ts'

function opened(embedded: OpenedEmbedded): OpenedLedger {
  const { ledger, registry, log } = embedded
  return {
    ledger,
    registry,
    unpublishedIs: 'claimed',
    // The record is a change of its event, so that no crash parts the two.
    publish: async (record) => {
      const { chargePointId, commandId } = record
      const changes = [{ table: 'commands', key: keyOf.command(commandId), value: record }] as const
      await log.append([{ chargePointId, type: 'command.outcome', text: '{}', changes }])
    },
    reopen: async () => opened(await embedded.reopen()),
    dispose: () => embedded.dispose()
  }
}

ledgerContract('embedded', async () => opened(await openTemporaryEmbedded()))
