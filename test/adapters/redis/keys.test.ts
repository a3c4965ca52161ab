import { ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { keysWith, slotCount, slotOf, tagInSlot } from '../../../src/adapters/redis/keys.ts'

const keys = keysWith('cpg:')

test('slots are those of the specification', () => {
  // CRC16 of "123456789" is 0x31C3. [Redis Cluster specification, appendix A]
  strictEqual(slotOf('123456789'), 0x31c3)
  strictEqual(slotOf('foo'), 12_182)
  strictEqual(slotOf('{user1000}.following'), slotOf('user1000'))
  strictEqual(slotOf('foo{}{bar}'), 8_363)
  strictEqual(slotOf('foo{{bar}}zap'), slotOf('{bar'))
  strictEqual(slotOf('foo{bar}{zap}'), slotOf('bar'))
})

test('every slot has a tag that lands there', () => {
  for (let slot = 0; slot < slotCount; slot++) strictEqual(slotOf(keys.marker(tagInSlot(slot))), slot)
})

test('all keys of a charge point, its commands among them, share one slot, whatever its id', () => {
  for (const id of ['CP-1', '{', '}', '{}', '{a}', 'a}b{c', '%7b', 'Säule', '充电桩']) {
    const all = [
      keys.owner(id),
      keys.chargePoint(id),
      keys.transactions(id),
      keys.endedTransactions(id),
      keys.start(id, 'key'),
      keys.command(id, 'c-{1}'),
      keys.recentCommands(id)
    ]
    strictEqual(new Set(all.map(slotOf)).size, 1, id)
    strictEqual(new Set(all).size, all.length)
  }
})

test('a lease and the open epochs of its node share one slot', () => {
  strictEqual(slotOf(keys.lease('gw-0')), slotOf(keys.openEpochs('gw-0')))
  strictEqual(slotOf(keys.lease('gw-0')), slotOf(keys.openEpochRows('gw-0')))
})

test('ids that differ have keys that differ', () => {
  const ids = ['a', '{a}', '%7ba%7d', '%257ba%257d', 'a}', '{a']
  strictEqual(new Set(ids.map((id) => keys.owner(id))).size, ids.length)
  ok(!keys.owner('{a}').includes('{{'))
})
