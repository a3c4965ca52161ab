import { fileURLToPath } from 'node:url'
import { type Child, startChild } from './child.ts'

export interface OpenRequest {
  readonly kind: 'open'
  readonly url: string
  readonly connections: number
  readonly prefix: string
  /** Charge points that connect at the same time; default 50. */
  readonly inFlight?: number
  /**
   * Source addresses, used in turn: one has 28,000 ports, and when a few thousand of them are taken the system searches long
   * for one that is free.
   */
  readonly localAddresses?: readonly string[]
  /** How often a charge point tries before the run has failed; default once. */
  readonly attemptsMax?: number
}

export type LoadRequest =
  | OpenRequest
  /** Without `perSecond`: a closed loop, every socket sends its next message as soon as the last one is answered. */
  | { readonly kind: 'talk'; readonly durationMs: number; readonly perSecond?: number }

export interface LoadReport {
  readonly connections: number
  /** Of a talk: messages; of an open: boots, and times count from the first dial to `Accepted`. */
  readonly answered: number
  readonly tookMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failedAttempts: number
}

/** A process of charge points. */
export type LoadProcess = Child<LoadRequest, LoadReport>

export function startLoad(): LoadProcess {
  return startChild(fileURLToPath(new URL('load-client.ts', import.meta.url)))
}
