/** One server-sent event, or a comment between two of them. */
export type SseItem =
  | { kind: "event"; id: string | null; data: string }
  | { kind: "comment"; text: string };

/** Splits a stream of bytes into server-sent events. Chunks may end anywhere, also inside a character. */
export async function* sseItems(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SseItem> {
  const decoder = new TextDecoder();
  let buffer = "";
  let id: string | null = null;
  let data: string[] = [];
  for await (const chunk of chunks) {
    buffer += decoder.decode(chunk, { stream: true });
    for (let end; (end = buffer.indexOf("\n")) >= 0; ) {
      const line = buffer.slice(0, end).replace(/\r$/, "");
      buffer = buffer.slice(end + 1);
      if (line === "") {
        if (data.length > 0) yield { kind: "event", id, data: data.join("\n") };
        id = null;
        data = [];
        continue;
      }
      if (line.startsWith(":")) {
        yield { kind: "comment", text: line.slice(1).trim() };
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") data.push(value);
      if (name === "id") id = value;
    }
  }
}

/** The bytes of a reply. Leaving the loop early lets go of the connection. */
export async function* bytesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
