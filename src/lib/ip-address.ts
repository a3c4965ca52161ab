import { isIP, SocketAddress } from 'node:net'

export interface AddressRange {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  /** Bits that the addresses of the range have in common. */
  readonly prefix: number
}

/** An IPv4 address that came over an IPv6 socket is written as what it is. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/** The one spelling of an IP address, without a zone; undefined when it is none. */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text)
  if (family === 0) return undefined
  return family === 4 ? text : plainAddress(new SocketAddress({ address: text, family: 'ipv6' }).address)
}

export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}

/** An address, or a range as in `10.0.0.0/8`; undefined when it is none. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [, written = '', bits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = canonicalAddress(written)
  if (address === undefined) return undefined
  const family = familyOf(address)
  const bitsMax = family === 'ipv4' ? 32 : 128
  // `::ffff:10.0.0.0/104` is 10.0.0.0/8.
  const mapped = family === 'ipv4' && written.includes(':') ? 96 : 0
  const prefix = bits === undefined ? bitsMax : Number(bits) - mapped
  return prefix < 0 || prefix > bitsMax ? undefined : { address, family, prefix }
}
