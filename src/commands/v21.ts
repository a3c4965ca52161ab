import type { V21CentralSystemCalls } from '../protocol/v21.ts'
import { anyAnswer, yesOrNo } from './rows.ts'
import type { CommandTable } from './table.ts'
import { v201Commands } from './v201.ts'

/** 2.1 is 2.0.1 and its differences. */
export const v21Commands = {
  ...v201Commands,
  AdjustPeriodicEventStream: yesOrNo,
  AFRRSignal: yesOrNo,
  ChangeTransactionTariff: yesOrNo,
  ClearDERControl: yesOrNo,
  ClearTariffs: anyAnswer,
  GetDERControl: yesOrNo,
  GetPeriodicEventStream: anyAnswer,
  GetTariffs: yesOrNo,
  NotifyAllowedEnergyTransfer: yesOrNo,
  NotifyWebPaymentStarted: anyAnswer,
  RequestBatterySwap: { accepted: ['Accepted'], priority: 'high' },
  SetDefaultTariff: yesOrNo,
  SetDERControl: yesOrNo,
  UpdateDynamicSchedule: yesOrNo,
  UsePriorityCharging: yesOrNo
} as const satisfies CommandTable<V21CentralSystemCalls>
