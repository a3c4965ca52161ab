import type { V16CentralSystemCalls } from '../protocol/v16.ts'
import { anyAnswer, yesOrInstead, yesOrLater, yesOrNo } from './rows.ts'
import type { CommandTable } from './table.ts'

export const v16Commands = {
  CancelReservation: yesOrNo,
  CertificateSigned: yesOrNo,
  ChangeAvailability: yesOrLater,
  // RebootRequired: it is stored, and takes effect after a reboot. [OCPP 1.6 7.22]
  ChangeConfiguration: { accepted: ['Accepted', 'RebootRequired'] },
  ClearCache: yesOrNo,
  ClearChargingProfile: yesOrNo,
  DataTransfer: yesOrNo,
  DeleteCertificate: yesOrNo,
  ExtendedTriggerMessage: yesOrNo,
  GetCompositeSchedule: yesOrNo,
  GetConfiguration: anyAnswer,
  GetDiagnostics: anyAnswer,
  GetInstalledCertificateIds: yesOrNo,
  GetLocalListVersion: anyAnswer,
  GetLog: yesOrInstead,
  InstallCertificate: yesOrNo,
  RemoteStartTransaction: { accepted: ['Accepted'], priority: 'high' },
  RemoteStopTransaction: { accepted: ['Accepted'], priority: 'high' },
  ReserveNow: yesOrNo,
  Reset: { accepted: ['Accepted'], priority: 'high' },
  SendLocalList: yesOrNo,
  SetChargingProfile: yesOrNo,
  SignedUpdateFirmware: yesOrInstead,
  TriggerMessage: yesOrNo,
  UnlockConnector: { accepted: ['Unlocked'], priority: 'high' },
  UpdateFirmware: anyAnswer
} as const satisfies CommandTable<V16CentralSystemCalls>
