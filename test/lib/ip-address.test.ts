import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { canonicalAddress, parseAddressRange, plainAddress } from '../../src/lib/ip-address.ts'

test('an address has one spelling, and IPv4 that came as IPv6 is IPv4', () => {
  strictEqual(canonicalAddress('10.0.0.1'), '10.0.0.1')
  strictEqual(canonicalAddress('2001:DB8:0:0:0::1'), '2001:db8::1')
  strictEqual(canonicalAddress('::FFFF:10.0.0.1'), '10.0.0.1')
  strictEqual(canonicalAddress('::ffff:0a00:0001'), '10.0.0.1')
  strictEqual(canonicalAddress('fe80::1%eth0'), 'fe80::1')
  for (const text of ['', 'proxy', '010.0.0.1', '10.0.0', '1.2.3.4:5', '[::1]', ' 10.0.0.1'])
    strictEqual(canonicalAddress(text), undefined, text)
  strictEqual(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  strictEqual(plainAddress('::1'), '::1')
})

test('a range is an address, alone or with the bits that its addresses have in common', () => {
  deepStrictEqual(parseAddressRange('10.0.0.0/8'), { address: '10.0.0.0', family: 'ipv4', prefix: 8 })
  deepStrictEqual(parseAddressRange('10.0.0.7'), { address: '10.0.0.7', family: 'ipv4', prefix: 32 })
  deepStrictEqual(parseAddressRange('FD00::/8'), { address: 'fd00::', family: 'ipv6', prefix: 8 })
  deepStrictEqual(parseAddressRange('::1'), { address: '::1', family: 'ipv6', prefix: 128 })
  deepStrictEqual(parseAddressRange('::ffff:10.0.0.0/104'), { address: '10.0.0.0', family: 'ipv4', prefix: 8 })
  for (const text of [
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'proxy',
    '',
    '::ffff:10.0.0.0/8',
    'fe80::1%eth0'
  ])
    strictEqual(parseAddressRange(text), undefined, text)
})
