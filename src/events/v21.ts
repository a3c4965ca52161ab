import type { V21ChargePointCalls } from '../protocol/v21.ts'
import type { EventTable } from './table.ts'
import { v21CertificateRows } from './v2-certificates.ts'
import { v21ChargingRows } from './v2-charging.ts'
import { v21DeviceRows } from './v2-device.ts'
import { v201Events } from './v201.ts'

/** OCPP 2.1: what 2.0.1 has, and its own. */
export const v21Events = {
  ...v201Events,
  ...v21CertificateRows,
  ...v21ChargingRows,
  ...v21DeviceRows
} as const satisfies EventTable<V21ChargePointCalls>
