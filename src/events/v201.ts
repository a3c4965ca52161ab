import type { V201ChargePointCalls } from '../protocol/v201.ts'
import type { EventTable } from './table.ts'
import { v2CertificateRows } from './v2-certificates.ts'
import { v2ChargingRows } from './v2-charging.ts'
import { v2DeviceRows } from './v2-device.ts'
import { v2StationRows } from './v2-station.ts'
import { v2TransactionRows } from './v2-transactions.ts'

/** OCPP 2.0.1. The rows are written for 2.1, whose requests are a superset; the compiler checks both. */
export const v201Events = {
  ...v2TransactionRows,
  ...v2StationRows,
  ...v2DeviceRows,
  ...v2ChargingRows,
  ...v2CertificateRows
} as const satisfies EventTable<V201ChargePointCalls>
