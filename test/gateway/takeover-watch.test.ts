import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { GatewayHarness, turn } from '../support/gateway.ts'

/** `times` connections of one id, each from the next of these addresses; held back ones are let through. */
async function fight(gateway: GatewayHarness, times: number, addresses: readonly string[]): Promise<void> {
  for (let n = 0; n < times; n++) {
    const connecting = gateway.connect('CP-1', addresses[n % addresses.length])
    await turn()
    gateway.clock.advance(5_000)
    await connecting
  }
  await turn()
}

test('two senders who take an identity from each other are told of once in the window (D9)', async () => {
  const gateway = new GatewayHarness()
  await fight(gateway, 4, ['10.0.0.1', '10.0.0.2'])
  strictEqual(gateway.log.events('identity.shared').length, 0, 'takeovers_max takeovers are no sign yet')
  await fight(gateway, 6, ['10.0.0.1', '10.0.0.2'])
  const events = gateway.log.events('identity.shared')
  strictEqual(events.length, 1)
  deepStrictEqual(events[0]?.data, { remoteAddresses: ['10.0.0.1', '10.0.0.2'], takeovers: 4, windowMs: 600_000 })
  match(gateway.lines.find(({ level }) => level === 'warn')?.message ?? '', /share one charge point id/)
})

test('one station that comes again and again is no second station', async () => {
  const gateway = new GatewayHarness()
  await fight(gateway, 20, ['10.0.0.1'])
  strictEqual(gateway.log.events('identity.shared').length, 0)
})

test('differing serial numbers from one address are two stations', async () => {
  const gateway = new GatewayHarness()
  for (let n = 0; n < 6; n++) {
    const connecting = gateway.connect('CP-1')
    await turn()
    gateway.clock.advance(5_000)
    const boot = { chargePointVendor: 'V', chargePointModel: 'M', chargePointSerialNumber: `S-${n % 2}` }
    ;(await connecting).call('BootNotification', boot)
    await turn()
  }
  deepStrictEqual(gateway.log.events('identity.shared')[0]?.data.serialNumbers, ['S-0', 'S-1'])
})

test('the handshakes of a shared identity are held back, those of others are not', async () => {
  const gateway = new GatewayHarness({ settings: { takeoverDampMs: 3_000 } })
  await fight(gateway, 5, ['10.0.0.1', '10.0.0.2'])
  let isAdmitted = false
  const admitting = gateway.admit('CP-1').then(() => {
    isAdmitted = true
  })
  strictEqual((await gateway.admit('CP-2')).ok, true)
  gateway.clock.advance(2_999)
  await turn()
  strictEqual(isAdmitted, false)
  gateway.clock.advance(1)
  await admitting
  strictEqual(isAdmitted, true)
})

test('after ten quiet minutes all is forgotten', async () => {
  const gateway = new GatewayHarness()
  await fight(gateway, 6, ['10.0.0.1', '10.0.0.2'])
  gateway.clock.advance(600_001)
  strictEqual((await gateway.admit('CP-1')).ok, true, 'not held back')
  await fight(gateway, 2, ['10.0.0.3'])
  strictEqual(gateway.log.events('identity.shared').length, 1)
})
