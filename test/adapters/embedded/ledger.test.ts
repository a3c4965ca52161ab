import { deepStrictEqual, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { type CommandRecord, keyOf } from '../../../src/ports/records.ts'
import { claimedCommand as command } from '../../support/claimed-command.ts'
import { type OpenedEmbedded, openTemporaryEmbedded } from '../../support/embedded.ts'

async function open(t: TestContext): Promise<OpenedEmbedded> {
  const opened = await openTemporaryEmbedded()
  t.after(() => opened.dispose())
  return opened
}

/** What the desk does with a settled record: it is a change of the outcome's event. */
async function publish({ log }: Pick<OpenedEmbedded, 'log'>, record: CommandRecord | undefined): Promise<void> {
  if (!record) throw new Error('there is nothing to publish')
  const { chargePointId, commandId } = record
  const changes = [{ table: 'commands', key: keyOf.command(commandId), value: record }] as const
  await log.append([{ chargePointId, type: 'command.outcome', text: '{}', changes }])
}

test('what was settled, or displaced, while it was being marked is not written', async (t) => {
  const { ledger, registry } = await open(t)
  const { epoch } = await registry.claim('CP-1')
  await ledger.claim(command('c-1'))
  await ledger.claim(command('c-2'))
  const first = ledger.markWritten('c-1', epoch, 6)
  await ledger.settle('c-1', { outcome: 'not_sent', reason: 'cancelled' }, 7)
  strictEqual(await first, 'refused')
  const second = ledger.markWritten('c-2', epoch, 6)
  await registry.claim('CP-1')
  strictEqual(await second, 'not_owner')
})

test('settled commands are forgotten when their time has come, unsettled ones never', async (t) => {
  const { ledger, log, clock } = await open(t)
  const forgetAtMs = clock.now() + 60_000
  await ledger.claim(command('c-open', { forgetAtMs }))
  await Promise.all(
    Array.from({ length: 450 }, async (_, index) => {
      const id = `c-${index + 1}`
      await ledger.claim(command(id, { forgetAtMs: index === 449 ? forgetAtMs + 3_600_000 : forgetAtMs }))
      await publish({ log }, await ledger.settle(id, { outcome: 'accepted' }, clock.now()))
    })
  )
  clock.advance(120_000)
  for (let step = 0; step < 10; step++) {
    await log.trim(0)
    clock.advance(11_000)
  }
  await log.trim(0)
  deepStrictEqual(
    (await ledger.recent('CP-1', 1_000)).map(({ commandId }) => commandId),
    ['c-open', 'c-450']
  )
  strictEqual(await ledger.get('c-1'), undefined)
  strictEqual((await ledger.claim(command('c-1'))).kind, 'claimed')
})

test('a command whose row was removed is claimed anew, and is on disk then', async (t) => {
  const { ledger, store } = await open(t)
  await ledger.claim(command('c-1', { node: 'node-b' }))
  await store.commit([{ table: 'commands', key: keyOf.command('c-1'), value: null }])
  strictEqual((await ledger.claim(command('c-1', { node: 'node-a' }))).kind, 'claimed')
  strictEqual((await ledger.get('c-1'))?.node, 'node-a')
})
