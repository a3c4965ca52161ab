import { subtractDecimal } from '../lib/decimal.ts'
import type { Loose } from '../lib/present.ts'
import type { TransactionEnded } from './data-transaction.ts'
import { draft } from './draft.ts'
import type { EventDraft } from './model.ts'
import type { Origin } from './table.ts'
import { unified } from './unify.ts'

type Remembered =
  | 'transactionId'
  | 'startKey'
  | 'idToken'
  | 'startedAt'
  | 'energyWh'
  | 'reason'
  | 'defaulted'
  | 'enriched'

/** What the message that ends a transaction says itself. */
export type EndSaid = Omit<TransactionEnded, Remembered> & { readonly transactionId: string }

/**
 * The end of a transaction: what the message said, and what is remembered of its start. Energy only from two registers,
 * never guessed; the reason may be left out only when it is Local. [OCPP 1.6 6.47, 2.0.1 part 2, 2.48]
 */
export function endedDraft(said: Loose<EndSaid>, from: Origin): EventDraft {
  const facts = from.transaction
  const evse = said.evse ?? facts?.evse
  const idToken = facts?.idToken
  const startedAt = facts?.startedAt
  const meterStartWh = said.meterStartWh ?? facts?.meterStartWh
  const isStartRemembered = said.meterStartWh === undefined && meterStartWh !== undefined
  const energyWh =
    meterStartWh === undefined || said.meterStopWh === undefined
      ? undefined
      : subtractDecimal(said.meterStopWh, meterStartWh)

  if (energyWh !== undefined && energyWh < 0) from.flag('energy.negative')

  const enriched: string[] = []
  if (said.evse === undefined && evse !== undefined) enriched.push('evse')
  if (idToken !== undefined) enriched.push('idToken')
  if (startedAt !== undefined) enriched.push('startedAt')
  if (isStartRemembered) enriched.push('meterStartWh')
  if (isStartRemembered && energyWh !== undefined) enriched.push('energyWh')

  const { transactionId, evse: _, stopIdToken, meterStartWh: __, meterStopWh, rawReason, deviceTime, ...rest } = said
  return draft('transaction.ended', {
    transactionId: facts?.transactionId ?? transactionId,
    startKey: facts?.startKey,
    evse,
    idToken,
    stopIdToken,
    startedAt,
    meterStartWh,
    meterStopWh,
    energyWh,
    reason: unified(rawReason ?? 'Local'),
    rawReason,
    deviceTime,
    ...rest,
    defaulted: rawReason === undefined ? ['reason'] : undefined,
    enriched: enriched.length === 0 ? undefined : enriched
  })
}
