/** What the gateway knows of an action that it may send: the mirror of the event table, one row each. */
export interface CommandRule<Status extends string = string> {
  /**
   * The raw statuses that count as `accepted`; every other one is `rejected`, and stands beside the outcome either way.
   * Empty: the action's response has no status, so that any valid answer is `accepted`.
   */
  readonly accepted: readonly Status[]
  /** Goes before the rest unless the sender says otherwise: a person waits for it. */
  readonly priority?: 'high'
}

type StatusOf<Response> = Response extends { readonly status: infer Status extends string } ? Status : never

/** One row for each action of the version: a missing row, or a status that the version does not know, does not compile. */
export type CommandTable<Calls> = {
  readonly [Action in keyof Calls]: Calls[Action] extends { readonly response: infer Response }
    ? CommandRule<StatusOf<Response>>
    : never
}
