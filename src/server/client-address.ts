import { BlockList, isIPv6 } from 'node:net'
import { canonicalAddress, familyOf, parseAddressRange, plainAddress } from '../lib/ip-address.ts'

/** Says where a request comes from, given the address of the socket's other end and `X-Forwarded-For`, all its lines together. */
export type ClientAddress = (peer: string | undefined, forwardedFor: string | undefined) => string

/**
 * Anybody can write `X-Forwarded-For`; only what trusted proxies (addresses and ranges) have added to it is true. So it
 * is read from its end, as long as whoever added an entry is trusted: the first that is not is the client. An entry that
 * is no address ends the walk at the last one that was.
 */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const trusted = new BlockList()
  for (const entry of trustedProxies) {
    const range = parseAddressRange(entry)
    if (range === undefined) throw new Error(`${entry} is not an IP address or a range`)
    trusted.addSubnet(range.address, range.prefix, range.family)
  }
  const isTrusted = (address: string) => trusted.check(address, familyOf(address))
  return (peer, forwardedFor) => {
    if (peer === undefined) return 'unknown'
    let address = plainAddress(peer)
    if (forwardedFor === undefined || !isTrusted(canonicalAddress(address) ?? address)) return address
    for (const entry of forwardedFor.split(',').reverse()) {
      const hop = addressIn(entry.trim())
      if (hop === undefined) break
      address = hop
      if (!isTrusted(hop)) break
    }
    return address
  }
}

/** Some proxies add the port, and brackets around IPv6. A zone means nothing to anybody but its own machine. */
function addressIn(entry: string): string | undefined {
  const bracketed = /^\[([^\]%]+)\](?::\d{1,5})?$/.exec(entry)?.[1]
  if (bracketed !== undefined) return isIPv6(bracketed) ? canonicalAddress(bracketed) : undefined
  const withPort = /^([\d.]+):\d{1,5}$/.exec(entry)?.[1]
  return entry.includes('%') ? undefined : canonicalAddress(withPort ?? entry)
}
