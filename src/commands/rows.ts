// The rows that most actions share.

/** The charge point says yes or no. */
export const yesOrNo = { accepted: ['Accepted'] } as const
/** Yes now, or as soon as the running transaction allows. */
export const yesOrLater = { accepted: ['Accepted', 'Scheduled'] } as const
/** Yes, perhaps in the place of what was under way. */
export const yesOrInstead = { accepted: ['Accepted', 'AcceptedCanceled'] } as const
/** The response has no status. */
export const anyAnswer = { accepted: [] } as const
