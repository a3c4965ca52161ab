/** The OCPP versions that the gateway speaks, as events and the API name them. */
export const ocppVersions = ['1.6', '2.0.1', '2.1'] as const
export type OcppVersion = (typeof ocppVersions)[number]

/** WebSocket sub-protocol -> version. Only the sub-protocol decides the version. [OCPP-J 1.6 3.1.2, Part 4 3.1.2] */
export const subprotocols: ReadonlyMap<string, OcppVersion> = new Map([
  ['ocpp1.6', '1.6'],
  ['ocpp2.0.1', '2.0.1'],
  ['ocpp2.1', '2.1']
])
