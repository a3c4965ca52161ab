import { doesNotThrow, ok, strictEqual, throws } from 'node:assert'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { createClientAddress } from '../../src/server/client-address.ts'

const trusting = createClientAddress(['10.0.0.0/8', '192.0.2.1', 'fd00::/8'])

test('without trusted proxies the header is not looked at', () => {
  const nobody = createClientAddress([])
  strictEqual(nobody('10.0.0.1', '203.0.113.7'), '10.0.0.1')
  strictEqual(nobody('::ffff:10.0.0.1', '203.0.113.7'), '10.0.0.1')
  strictEqual(nobody(undefined, '203.0.113.7'), 'unknown')
})

test('what somebody says who is no trusted proxy is ignored', () => {
  strictEqual(trusting('203.0.113.9', '198.51.100.1'), '203.0.113.9')
  strictEqual(trusting('2001:db8::9', '198.51.100.1'), '2001:db8::9')
  strictEqual(trusting('192.0.2.2', '10.0.0.1'), '192.0.2.2')
})

test('behind a trusted proxy the client is whom it has added', () => {
  strictEqual(trusting('10.0.0.1', '203.0.113.7'), '203.0.113.7')
  strictEqual(trusting('192.0.2.1', '203.0.113.7'), '203.0.113.7')
  strictEqual(trusting('::ffff:10.0.0.1', '203.0.113.7'), '203.0.113.7')
  strictEqual(trusting('10.0.0.1', undefined), '10.0.0.1')
})

test('a client that writes the header itself is told by the entry of the proxy, which comes last', () => {
  strictEqual(trusting('10.0.0.1', '198.51.100.1, 10.0.0.9, 203.0.113.7'), '203.0.113.7')
  strictEqual(trusting('10.0.0.1', 'junk,203.0.113.7'), '203.0.113.7')
})

test('several proxies in a row are walked back, up to the first that is not trusted or to the farthest', () => {
  strictEqual(trusting('10.0.0.1', '198.51.100.1, 203.0.113.7, 10.0.0.3,  10.0.0.2'), '203.0.113.7')
  strictEqual(trusting('10.0.0.1', '203.0.113.7,fd00::5,192.0.2.1'), '203.0.113.7')
  strictEqual(trusting('10.0.0.1', '10.0.0.4, 10.0.0.3'), '10.0.0.4')
})

test('IPv6 is compared by what it is, however it is written', () => {
  strictEqual(trusting('fd00::1', '2001:DB8:0:0::7'), '2001:db8::7')
  strictEqual(trusting('fd00::1', '[2001:db8::7]:4711'), '2001:db8::7')
  strictEqual(trusting('fd00::1', '2001:db8::7, [FD00:0::2]'), '2001:db8::7')
  strictEqual(trusting('10.0.0.1', '::ffff:203.0.113.7'), '203.0.113.7')
  strictEqual(trusting('10.0.0.1', '203.0.113.7, ::ffff:0a00:0002'), '203.0.113.7')
})

test('a port is left away', () => {
  strictEqual(trusting('10.0.0.1', '203.0.113.7:51234'), '203.0.113.7')
  strictEqual(trusting('10.0.0.1', '203.0.113.7, 10.0.0.2:80'), '203.0.113.7')
})

test('an entry that is no address ends the walk at the last that was one', () => {
  for (const junk of [
    'unknown',
    '_hidden',
    '',
    '203.0.113',
    '[10.0.0.1]',
    '[::1',
    'fe80::1%eth0',
    '1.2.3.4:x',
    '10.0.0.1/8'
  ]) {
    strictEqual(trusting('10.0.0.1', `203.0.113.7, ${junk}`), '10.0.0.1', junk)
    strictEqual(trusting('10.0.0.1', `203.0.113.7, ${junk}, 10.0.0.2`), '10.0.0.2', junk)
  }
})

test('whatever the header holds, the answer is an address, and never that of an entry that the client could choose', () => {
  const word = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constantFrom('[', ']', ':', '%', ',', '::ffff:10.0.0.1'))
  fc.assert(
    fc.property(fc.array(word), (words) => {
      ok(isIP(trusting('10.0.0.1', words.join(','))) > 0)
      strictEqual(trusting('10.0.0.1', `${words.join(',')},203.0.113.7`), '203.0.113.7')
    })
  )
})

test('an entry of the list that is no range is a mistake of ours: the configuration refuses it before', () => {
  throws(() => createClientAddress(['proxy']), /proxy/)
  doesNotThrow(() => createClientAddress(['0.0.0.0/0', '::/0']))
})
