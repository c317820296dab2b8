import { expect, test } from "vitest";

import { type SseItem, sseItems } from "./sse";

const kStream =
  ": keep-alive\n\nid: 3\ndata: {\"type\":\"content\",\"text\":\"中文 é\"}\n\r\nid: 4\r\ndata: a\r\ndata: b\r\n\r\ndata: [DONE]\n\n";

async function* cut(bytes: Uint8Array, ...places: number[]): AsyncGenerator<Uint8Array> {
  let begin = 0;
  for (const place of [...places, bytes.length]) {
    yield bytes.slice(begin, place);
    begin = place;
  }
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<SseItem[]> {
  const items: SseItem[] = [];
  for await (const item of sseItems(chunks)) items.push(item);
  return items;
}

const kItems: SseItem[] = [
  { kind: "comment", text: "keep-alive" },
  { kind: "event", id: "3", data: '{"type":"content","text":"中文 é"}' },
  { kind: "event", id: "4", data: "a\nb" },
  { kind: "event", id: null, data: "[DONE]" },
];

test("a stream says the same wherever it is cut, also inside a character", async () => {
  const bytes = new TextEncoder().encode(kStream);
  for (let at = 0; at <= bytes.length; at += 1) {
    expect(await all(cut(bytes, at)), `cut at ${at}`).toEqual(kItems);
  }
});

test("a stream says the same byte by byte", async () => {
  const bytes = new TextEncoder().encode(kStream);
  const places = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
  expect(await all(cut(bytes, ...places))).toEqual(kItems);
});

test("an event whose end has not come is not there", async () => {
  expect(await all(cut(new TextEncoder().encode("id: 1\ndata: half")))).toEqual([]);
});
