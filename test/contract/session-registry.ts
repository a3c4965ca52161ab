import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { SessionRegistry } from '../../src/ports/session-registry.ts'

export interface OpenedRegistry {
  readonly registry: SessionRegistry
  /** Others have been told of an epoch that was claimed: nothing older is registered again, also when it was released. */
  readonly isShared: boolean
  /** The clock that epochs follow; `advance` does nothing where that is another machine's. */
  readonly clock: { now(): number; advance(ms: number): void }
  /** A session with this epoch, from a clock that was ahead, has opened and left its first event. */
  outrun(chargePointId: string, epoch: number): Promise<void>
  reopen(): Promise<OpenedRegistry>
  dispose(): Promise<void>
}

/** What every session registry does, whatever it is kept in. */
export function sessionRegistryContract(name: string, create: () => Promise<OpenedRegistry>): void {
  const open = async (t: TestContext) => {
    let now = await create()
    t.after(() => now.dispose())
    return {
      ...now,
      reopen: async () => {
        now = await now.reopen()
        return now
      }
    }
  }

  // Known failure A3: the old socket's close handler removed the new session of the same charger.
  test(`${name}: the old socket's close does not evict its replacement`, async (t) => {
    const { registry } = await open(t)
    const first = await registry.claim('CP-1')
    const second = await registry.claim('CP-1')
    strictEqual(await registry.release('CP-1', first.epoch), false)
    strictEqual((await registry.locate('CP-1'))?.epoch, second.epoch)
  })

  test(`${name}: a claim names whom it displaced`, async (t) => {
    const { registry } = await open(t)
    const first = await registry.claim('CP-1')
    strictEqual(first.displaced, undefined)
    const owner = await registry.locate('CP-1')
    const second = await registry.claim('CP-1')
    deepStrictEqual(second.displaced, owner)
    strictEqual(owner?.epoch, first.epoch)
  })

  test(`${name}: who released is gone, and cannot release again`, async (t) => {
    const { registry } = await open(t)
    const { epoch } = await registry.claim('CP-1')
    strictEqual(await registry.release('CP-2', epoch), false)
    strictEqual(await registry.release('CP-1', epoch + 1), false)
    strictEqual(await registry.release('CP-1', epoch), true)
    strictEqual(await registry.locate('CP-1'), undefined)
    strictEqual(await registry.release('CP-1', epoch), false)
    strictEqual((await registry.claim('CP-1')).displaced, undefined)
  })

  // An abandoned handshake: its epoch goes, and the connection that lives has the one before.
  test(`${name}: ownership goes back to an older epoch in a node's own registry only, and the next one is greater than both`, async (t) => {
    const { registry, isShared } = await open(t)
    const living = await registry.claim('CP-1')
    const abandoned = await registry.claim('CP-1')
    strictEqual(await registry.adopt('CP-1', living.epoch), false, 'it is held')
    strictEqual(await registry.release('CP-1', abandoned.epoch), true)
    strictEqual(await registry.adopt('CP-1', living.epoch), !isShared)
    strictEqual((await registry.locate('CP-1'))?.epoch, isShared ? undefined : living.epoch)
    ok((await registry.claim('CP-1')).epoch > abandoned.epoch)
  })

  test(`${name}: an epoch is at least the seconds since 2020 and grows with every claim`, async (t) => {
    const { registry, clock } = await open(t)
    const seconds = () => Math.floor((clock.now() - Date.UTC(2020, 0, 1)) / 1_000)
    let last = 0
    for (let n = 0; n < 50; n++) {
      const before = seconds()
      const { epoch } = await registry.claim('CP-1')
      ok(epoch > last && epoch >= before, `${epoch} after ${last}`)
      last = epoch
      if (n % 3 === 0) await registry.release('CP-1', epoch)
      if (n % 10 === 0) clock.advance(4_000)
    }
  })

  test(`${name}: of claims made together each gets an epoch of its own, and one owns`, async (t) => {
    const { registry } = await open(t)
    const claims = await Promise.all(Array.from({ length: 20 }, () => registry.claim('CP-1')))
    const epochs = claims.map(({ epoch }) => epoch)
    strictEqual(new Set(epochs).size, 20)
    strictEqual((await registry.locate('CP-1'))?.epoch, Math.max(...epochs))
  })

  test(`${name}: an epoch grows over a restart, also when the clock was set back before that`, async (t) => {
    const { registry, clock, reopen, outrun } = await open(t)
    const { epoch } = await registry.claim('CP-1')
    const stored = epoch + 3_600
    await outrun('CP-1', stored)
    clock.advance(1_000)
    const again = (await reopen()).registry
    strictEqual(await again.locate('CP-1'), undefined, 'no socket outlives its process')
    ok((await again.claim('CP-1')).epoch > stored)
  })

  test(`${name}: many charge points that come and go in one second keep growing epochs`, async (t) => {
    const { registry } = await open(t)
    const first = new Map<string, number>()
    for (let n = 0; n < 5_000; n++) {
      const id = `CP-${n}`
      const { epoch } = await registry.claim(id)
      first.set(id, epoch)
      await registry.release(id, epoch)
    }
    for (const [id, epoch] of first) ok((await registry.claim(id)).epoch > epoch, id)
  })
}
