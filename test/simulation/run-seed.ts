import { brokenInvariants } from './invariants.ts'
import { type FaultKind, runScenario } from './scenario.ts'

export interface SeedReport {
  readonly seed: number
  readonly broken: readonly string[]
  readonly faults: readonly FaultKind[]
  readonly digest: string
  readonly steps: number
  readonly trace: readonly string[]
}

/** Run one seed from its beginning; everything in the report is a function of the seed. */
export async function runSeed(seed: number, traceLinesKept = 200): Promise<SeedReport> {
  const { world, plan } = await runScenario(seed, traceLinesKept)
  const { scheduler } = world
  return {
    seed,
    broken: brokenInvariants(world),
    faults: [...plan.faults],
    digest: scheduler.digest(),
    steps: scheduler.steps,
    trace: scheduler.trace
  }
}
