import type { CommandRecord } from '../../src/ports/records.ts'

/** A command as the desk claims it. */
export function claimedCommand(commandId: string, changed: Partial<CommandRecord> = {}): CommandRecord {
  return {
    commandId,
    chargePointId: 'CP-1',
    type: 'ocpp.call',
    data: { action: 'Reset', payload: { type: 'Soft' } },
    digest: 'digest-of-reset',
    priority: 'high',
    timeoutMs: 30_000,
    expiresAtMs: 9e12,
    requestedBy: 'api',
    requestedAtMs: Date.UTC(2026, 10, 23, 10),
    state: 'claimed',
    node: 'node-a',
    forgetAtMs: Date.UTC(2026, 10, 24, 10),
    ...changed
  }
}
