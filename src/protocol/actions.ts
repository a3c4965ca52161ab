import { v16ChargePointActions } from './v16.ts'
import { v21ChargePointActions, v21ChargePointSends } from './v21.ts'
import { v201ChargePointActions } from './v201.ts'
import type { OcppVersion } from './version.ts'

const calls: Readonly<Record<OcppVersion, ReadonlySet<string>>> = {
  '1.6': new Set(v16ChargePointActions),
  '2.0.1': new Set(v201ChargePointActions),
  '2.1': new Set(v21ChargePointActions)
}
const sends: ReadonlySet<string> = new Set(v21ChargePointSends)

/** True when a charge point of this version may send this action as a CALL. Case counts. [OCPP-J 1.6 4.2.1] */
export function isChargePointCall(version: OcppVersion, action: string): boolean {
  return calls[version].has(action)
}

/** True when a charge point of this version may send this action as a SEND. */
export function isChargePointSend(version: OcppVersion, action: string): boolean {
  return version === '2.1' && sends.has(action)
}

const v2Transactions: ReadonlySet<string> = new Set(['TransactionEvent', 'MeterValues'])
const transactionActions: Readonly<Record<OcppVersion, ReadonlySet<string>>> = {
  '1.6': new Set(['StartTransaction', 'StopTransaction', 'MeterValues']),
  '2.0.1': v2Transactions,
  '2.1': v2Transactions
}

/** Messages that carry money: one that can be understood at all is accepted in every mode (D5, D11). */
export function isTransactionMessage(version: OcppVersion, action: string): boolean {
  return transactionActions[version].has(action)
}
