import type { V201CentralSystemCalls } from '../protocol/v201.ts'
import { anyAnswer, yesOrInstead, yesOrLater, yesOrNo } from './rows.ts'
import type { CommandTable } from './table.ts'

export const v201Commands = {
  CancelReservation: yesOrNo,
  CertificateSigned: yesOrNo,
  ChangeAvailability: yesOrLater,
  ClearCache: yesOrNo,
  ClearChargingProfile: yesOrNo,
  ClearDisplayMessage: yesOrNo,
  ClearVariableMonitoring: anyAnswer,
  CostUpdated: anyAnswer,
  CustomerInformation: yesOrNo,
  DataTransfer: yesOrNo,
  DeleteCertificate: yesOrNo,
  GetBaseReport: yesOrNo,
  GetChargingProfiles: yesOrNo,
  GetCompositeSchedule: yesOrNo,
  GetDisplayMessages: yesOrNo,
  GetInstalledCertificateIds: yesOrNo,
  GetLocalListVersion: anyAnswer,
  GetLog: yesOrInstead,
  // EmptyResultSet, here and below: no report follows, so nothing that was asked for happens.
  GetMonitoringReport: yesOrNo,
  GetReport: yesOrNo,
  GetTransactionStatus: anyAnswer,
  GetVariables: anyAnswer,
  InstallCertificate: yesOrNo,
  PublishFirmware: yesOrNo,
  RequestStartTransaction: { accepted: ['Accepted'], priority: 'high' },
  RequestStopTransaction: { accepted: ['Accepted'], priority: 'high' },
  ReserveNow: yesOrNo,
  Reset: { accepted: ['Accepted', 'Scheduled'], priority: 'high' },
  SendLocalList: yesOrNo,
  SetChargingProfile: yesOrNo,
  SetDisplayMessage: yesOrNo,
  SetMonitoringBase: yesOrNo,
  SetMonitoringLevel: yesOrNo,
  SetNetworkProfile: yesOrNo,
  SetVariableMonitoring: anyAnswer,
  // Each variable has a status of its own, in the response.
  SetVariables: anyAnswer,
  TriggerMessage: yesOrNo,
  UnlockConnector: { accepted: ['Unlocked'], priority: 'high' },
  UnpublishFirmware: { accepted: ['Unpublished'] },
  UpdateFirmware: yesOrInstead
} as const satisfies CommandTable<V201CentralSystemCalls>
