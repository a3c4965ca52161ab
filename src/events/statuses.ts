import { present } from '../lib/present.ts'
import type { ConnectorStatusChanged, StationError } from './data-station.ts'
import { unified } from './unify.ts'

type Availability = Pick<ConnectorStatusChanged, 'status' | 'detail' | 'rawStatus'>

/** 1.6 tells why a connector is occupied; the other words are those of 2.x. */
const occupied: ReadonlySet<string> = new Set(['Preparing', 'Charging', 'SuspendedEV', 'SuspendedEVSE', 'Finishing'])

export function availabilityOf(rawStatus: string): Availability {
  return occupied.has(rawStatus)
    ? { status: 'occupied', detail: unified(rawStatus), rawStatus }
    : { status: unified(rawStatus), rawStatus }
}

/** `NoError` alone is no error, but was said. */
export function errorOf(said: {
  readonly errorCode: string
  readonly info?: string
  readonly vendorId?: string
  readonly vendorErrorCode?: string
}): Pick<ConnectorStatusChanged, 'error' | 'rawErrorCode'> {
  const { errorCode, info, vendorId, vendorErrorCode } = said
  const mute = info === undefined && vendorId === undefined && vendorErrorCode === undefined
  if (mute) return errorCode === 'NoError' ? { rawErrorCode: errorCode } : { error: { code: errorCode } }
  return { error: present<StationError>({ code: errorCode, info, vendorId, vendorErrorCode }) }
}
