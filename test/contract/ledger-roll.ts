import { deepStrictEqual, notStrictEqual, ok, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { LedgerRoll, RollPart } from '../../src/ports/ledger-roll.ts'

export interface RollWorld {
  node(options: { readonly id: string }): Promise<{ readonly roll: LedgerRoll }>
  empty(): Promise<void>
  dispose(): Promise<void>
}

/** Who has told a shared ledger what it knows, whatever the ledger is kept in. */
export function ledgerRollContract(name: string, create: () => Promise<RollWorld>): void {
  const two = async (t: TestContext) => {
    const world = await create()
    t.after(() => world.dispose())
    const [a, b] = await Promise.all([world.node({ id: 'node-a' }), world.node({ id: 'node {b}:%' })])
    return { world, a: a.roll, b: b.roll }
  }
  const signed = (parts: readonly RollPart[]) => parts.map((part) => part.signed.toSorted())
  const values = (parts: readonly RollPart[]) => parts.map(({ value }) => value)

  test(`${name}: a node stands on every part of the roll once it has signed, and all see it`, async (t) => {
    const { a, b } = await two(t)
    const parts = await a.read()
    ok(parts.length > 0)
    deepStrictEqual(
      signed(parts),
      parts.map(() => [])
    )
    for (const { sinceMs } of parts) ok(Math.abs(Date.now() - sinceMs) < 60_000)
    await a.sign(parts)
    await a.sign(parts)
    deepStrictEqual(
      signed(await b.read()),
      parts.map(() => ['node-a'])
    )
    await b.sign(await b.read())
    deepStrictEqual(
      signed(await a.read()),
      parts.map(() => ['node {b}:%', 'node-a'])
    )
    deepStrictEqual(values(await a.read()), values(parts))
  })

  test(`${name}: the roll of what was emptied begins anew, and what was told before counts no more`, async (t) => {
    const { world, a, b } = await two(t)
    const before = await a.read()
    await a.sign(before)
    await world.empty()
    const after = await b.read()
    strictEqual(after.length, before.length)
    for (const [n, part] of after.entries()) {
      notStrictEqual(part.value, before[n]?.value)
      ok(part.sinceMs >= (before[n]?.sinceMs ?? 0))
    }
    await a.sign(before)
    deepStrictEqual(
      signed(await b.read()),
      after.map(() => [])
    )
    await a.sign(after)
    deepStrictEqual(
      signed(await b.read()),
      after.map(() => ['node-a'])
    )
  })
}
