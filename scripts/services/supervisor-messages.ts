/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a process of a group is started with. */
export interface StartSpec {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** File that takes its output. */
  readonly log: string
  /** Name of the container, when the command is the client of a container engine. */
  readonly container?: string
}

export type ToSupervisor =
  | ({ readonly kind: 'start'; readonly id: number } & StartSpec)
  | { readonly kind: 'signal'; readonly id: number; readonly signal: NodeJS.Signals }
  | { readonly kind: 'end' }

export type FromSupervisor =
  | { readonly kind: 'ready'; readonly folder: string }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'not-started'; readonly id: number; readonly reason: string }
  | { readonly kind: 'signalled'; readonly id: number }
  | { readonly kind: 'exited'; readonly id: number; readonly exit: Exit }
