import type { Decision, DecisionRequest } from '../events/decision.ts'

/** Says whether a charge point may connect at all, before the upgrade. */
export type Admission = { readonly allowed: true } | { readonly allowed: false; readonly detail: string }

/** Decides what the gateway does not: who may charge, who may connect. Answers at once or as a promise; never throws. */
export interface Authority {
  admit(chargePointId: string): Admission | Promise<Admission>
  decide(request: DecisionRequest): Decision | Promise<Decision>
  /** Called with the ids of charge points that lost their permission while the gateway runs. */
  onRevoked(listener: (chargePointIds: (chargePointId: string) => boolean) => void): () => void
}
