import { ApiError, send } from "./http";
import { parseJson } from "./json";
import { readStreamEvent } from "./read";
import { bytesOf, sseItems } from "./sse";
import type { StreamEvent } from "./types";

const wait = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

/**
 * Everything that a running answer says after event number `after` (-1: all), each event once, however often the
 * connection breaks: the number of the last event is kept, and the next connection begins behind it. The last event
 * is "done" or "error"; "lost" says that a connection broke and is being made again.
 */
export async function* follow(messageId: string, after: number, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  const path = `/api/app/v1/messages/${encodeURIComponent(messageId)}/events`;
  let last = after;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const reply = await send(last < 0 ? path : `${path}?after=${last}`, { signal });
      if (reply.body === null) return;
      for await (const item of sseItems(bytesOf(reply.body))) {
        if (item.kind === "comment") continue;
        const numbered = item.id !== null && /^\d+$/.test(item.id);
        const id = numbered ? Number(item.id) : -1;
        const event = readStreamEvent(parseJson(item.data), id);
        const ends = event?.kind === "done" || event?.kind === "error";
        if (numbered && id <= last && !ends) continue;  // what we had already
        if (numbered) last = id;
        failures = 0;
        if (event !== null) yield event;
        if (ends) return;
      }
    } catch (problem) {
      if (signal.aborted) return;
      if (problem instanceof ApiError && problem.status >= 400 && problem.status < 500) {
        yield { kind: "error", message: problem.message, messages: [] };
        return;
      }
    }
    if (signal.aborted) return;
    yield { kind: "lost" };
    await wait(Math.min(5000, 200 * 2 ** failures));
  }
}
