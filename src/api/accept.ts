export type EventMedia = 'application/json' | 'text/event-stream' | 'application/x-ndjson'
const offered: readonly EventMedia[] = ['application/json', 'text/event-stream', 'application/x-ndjson']

/**
 * The media type that an `Accept` header likes best among those of the event stream; JSON when it names none of
 * them. [RFC 9110 12.5.1]
 */
export function acceptedMedia(header: string | undefined): EventMedia {
  let best: EventMedia = 'application/json'
  let bestQuality = 0
  for (const range of (header ?? '').split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const media = offered.find((one) => one === name)
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    if (media && quality > bestQuality) {
      best = media
      bestQuality = quality
    }
  }
  return best
}
