/** Clocks that are further apart are told: epochs, leases and deadlines are in wall time. */
export const clockApartMsMax = 2_000

/** How far two clocks are apart at least, when an answer that took `roundTripMs` showed `clockOffsetMs`. */
export function clocksApartMs(seen: { readonly clockOffsetMs: number; readonly roundTripMs: number }): number {
  return Math.max(0, Math.abs(seen.clockOffsetMs) - seen.roundTripMs / 2)
}
