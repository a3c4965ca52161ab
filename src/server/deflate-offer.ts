/** Window that we deflate with: 2 KiB does for frames of this size and keeps the memory of a connection small. */
export const deflateWindowBits = 11

const known = new Set([
  'server_no_context_takeover',
  'client_no_context_takeover',
  'server_max_window_bits',
  'client_max_window_bits'
])

function windowBits(value: string): number | undefined {
  const bits = Number(value)
  return /^\d{1,2}$/.test(value) && bits >= 8 && bits <= 15 ? bits : undefined
}

/** An offer that we can serve: every parameter known, given once, well formed, and no smaller window asked of us. */
function acceptable(parameters: readonly string[]): boolean {
  const seen = new Set<string>()
  for (const parameter of parameters) {
    const [name = '', quoted] = parameter.split('=').map((part) => part.trim())
    if (!known.has(name) || seen.has(name)) return false
    seen.add(name)
    const value = quoted?.replace(/^"(.*)"$/, '$1')
    if (name.endsWith('_takeover') && value !== undefined) return false
    if (name === 'client_max_window_bits' && value !== undefined && windowBits(value) === undefined) return false
    if (name === 'server_max_window_bits' && (windowBits(value ?? '') ?? 0) < deflateWindowBits) return false
  }
  return true
}

/**
 * The first permessage-deflate offer in a Sec-WebSocket-Extensions header that we can serve, or undefined. A malformed
 * header is no reason to refuse a charge point: it gets an uncompressed connection. [RFC 7692 7]
 */
export function acceptableDeflateOffer(header: string | undefined): string | undefined {
  for (const offer of (header ?? '').split(',')) {
    const [name, ...parameters] = offer.split(';').map((part) => part.trim())
    if (name === 'permessage-deflate' && acceptable(parameters)) return [name, ...parameters].join('; ')
  }
  return undefined
}
