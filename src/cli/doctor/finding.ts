import type { KafkaFacts } from '../../app/inspect-kafka.ts'
import type { RedisFacts, RedisProblem } from '../../app/inspect-redis.ts'
import type { Config } from '../../config/schema.ts'

/** What one check found on this machine. */
export interface Finding {
  /** A short name, stable for programs. */
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  /** What was found. */
  readonly found: string
  /** What to do about it; present unless `ok`. */
  readonly advice?: string
}

/** What a check looks at. */
export interface Examined {
  readonly config: Config
  /** True when somebody wrote this key down; a default that the machine cannot hold is only worth a warning. */
  isSet(key: string): boolean
  readonly machine: Machine
  readonly outside: Outside
}

/** What the configuration names beside this machine; asked only for what it names. */
export interface Outside {
  kafka(): Promise<KafkaFacts>
  redis(): Promise<RedisFacts | RedisProblem>
}

export interface DiskFacts {
  /** The folder that exists: `path` itself or the nearest above it. */
  readonly existing: string
  readonly writable: boolean
  readonly freeBytes: number
  /** What the files below `path` take. */
  readonly usedBytes: number
}

/** The machine as the checks see it, so that a test needs no other one. */
export interface Machine {
  readonly nodeVersion: string
  readonly memoryBytes: number
  /** A file of the system; undefined where there is none. */
  read(path: string): string | undefined
  /** Listen there for a moment: undefined when that worked, otherwise the system's error code. */
  tryPort(host: string, port: number): Promise<string | undefined>
  /** Who listens on a port, as far as this user may know. */
  listenerOf(port: number): { readonly pid: number; readonly command: string } | undefined
  disk(path: string): Promise<DiskFacts>
  /** Milliseconds of each of some small writes that were forced to the disk in this folder. */
  fsyncTimes(folder: string): Promise<readonly number[]>
  /** Why the gateway could not use this existing data_dir. */
  dataDirProblem(path: string): { readonly code: string; readonly message: string } | undefined
  wallMs(): number
  monotonicMs(): number
}

export function ok(check: string, found: string): Finding {
  return { check, state: 'ok', found }
}

export function warn(check: string, found: string, advice: string): Finding {
  return { check, state: 'warn', found, advice }
}

export function fail(check: string, found: string, advice: string): Finding {
  return { check, state: 'fail', found, advice }
}
