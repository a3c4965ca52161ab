export interface StreamMessage {
  /** The cursor behind this message. */
  readonly id?: string
  readonly event: string
  /** Empty when the message only moves the cursor. */
  readonly data: string
}

function messageOf(block: string): StreamMessage {
  let id: string | undefined
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^([a-z]+): ?(.*)$/s.exec(line) ?? []
    if (field === 'id') id = value
    else if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return { event, data: data.join('\n'), ...(id === undefined ? {} : { id }) }
}

/** Server-sent events of an answer, as they come. What a broken connection leaves half is dropped. [WHATWG HTML 9.2.6] */
export async function* readEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamMessage> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) yield messageOf(block)
  }
}
