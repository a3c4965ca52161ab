/** OCPP's words that plain lower snake case would tear apart, or that versions spell differently. */
const exceptions: Readonly<Record<string, string>> = {
  DeAuthorized: 'deauthorized',
  SOCLimitReached: 'soc_limit_reached',
  SoCLimitReached: 'soc_limit_reached',
  // 1.6 has two messages for one fact. [OCPP 1.6 7.24, security white paper 5.19]
  UploadFailure: 'upload_failed',
  // What was sent because of the clock is what 1.6 sends as MeterValues.
  MeterValuePeriodic: 'meter_value',
  MeterValueClock: 'meter_value',
  V2GCertificate: 'v2g_certificate',
  V2G20Certificate: 'v2g20_certificate'
}

/** The words of frequent messages, so that these cost one look-up. Others are computed: a stranger's words are not kept. */
const frequent = [
  ...['Available', 'Preparing', 'Charging', 'SuspendedEVSE', 'SuspendedEV', 'Finishing', 'Reserved', 'Unavailable'],
  ...['Faulted', 'Occupied', 'EVConnected', 'Idle', 'Authorized', 'CablePluggedIn', 'ChargingStateChanged'],
  ...['Deauthorized', 'EVDeparted', 'EVDetected', 'EVCommunicationLost', 'RemoteStart', 'RemoteStop', 'StopAuthorized'],
  ...['Trigger', 'Local', 'Remote', 'EVDisconnected', 'StoppedByEV', 'Other', 'PowerUp', 'RemoteReset', 'Accepted']
]
const known: ReadonlyMap<string, string> = new Map([
  ...frequent.map((word) => [word, snakeCase(word)] as const),
  ...Object.entries(exceptions)
])

/** A word of OCPP in lower snake case: `SuspendedEVSE` is `suspended_evse`. A word that no version knows is treated alike. */
export function unified(raw: string): string {
  return known.get(raw) ?? snakeCase(String(raw))
}

function snakeCase(raw: string): string {
  return raw
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
}

/** A list as the schema wants it; what a lenient charge point sent instead counts as none. */
export function listOf<T>(said: readonly T[] | undefined): readonly T[] {
  return Array.isArray(said) ? said : []
}

export function unifiedOrAbsent(raw: string | undefined): string | undefined {
  return raw === undefined ? undefined : unified(raw)
}
