import { expect, test } from "vitest";

import { readMessage, readStreamEvent } from "../api/read";
import type { StreamEvent } from "../api/types";
import { applyEvent, type ShownMessage, shown } from "./answer";

const kRunning = { id: "5", role: "assistant", state: "running", created_ms: 1000 };

function run(message: ShownMessage, ...events: StreamEvent[]): ShownMessage {
  return events.reduce((before, event, index) => applyEvent(before, event, 2000 + 1000 * index), message);
}

const thought = (text: string, id: number): StreamEvent => ({ kind: "reasoning", choice: 0, text, id });
const content = (text: string, id: number): StreamEvent => ({ kind: "content", choice: 0, text, id });

test("an answer is queued, reads, thinks and writes", () => {
  const start = shown(readMessage(kRunning), 1500);
  expect(start.live?.phase).toBe("starting");
  const queued = run(start, { kind: "queued", position: 2 });
  expect(queued.live).toMatchObject({ phase: "queued", queuePosition: 2 });
  const reading = run(queued, { kind: "reading", done: 128, total: 512 });
  expect(reading.live).toMatchObject({ phase: "reading", promptDone: 128, promptTotal: 512 });
  const thinking = run(reading, thought("Let me ", 0), thought("see", 1));
  expect(thinking).toMatchObject({ reasoning: "Let me see", live: { phase: "thinking", thinkingSince: 2000 } });
  const writing = applyEvent(thinking, content("42", 2), 9000);
  expect(writing).toMatchObject({ content: "42", live: { phase: "writing" }, facts: { thoughtMs: 7000 } });
});

test("what was stored when the page was loaded is not said twice", () => {
  const loaded = shown(readMessage({ ...kRunning, reasoning: "one two", events: 2 }), 2000);
  const all = run(loaded, thought("one ", 0), thought("two", 1), thought(" three", 2));
  expect(all.reasoning).toBe("one two three");
});

test("answers of a vote share a stream and keep to their own", () => {
  const second = shown(readMessage({ ...kRunning, choice: 1 }), 2000);
  const after = run(second, content("no", 0), { kind: "content", choice: 1, text: "yes", id: 1 });
  expect(after.content).toBe("yes");
});

test("the end brings the message as it was stored", () => {
  const done = readStreamEvent(
    { type: "done", messages: [{ ...kRunning, state: "complete", content: "42", facts: { finish: "stop" } }] }, 9);
  expect(done).not.toBeNull();
  const after = run(shown(readMessage(kRunning), 0), content("4", 0), done as StreamEvent, content("late", 10));
  expect(after).toMatchObject({ content: "42", state: "complete", live: null, facts: { finish: "stop" } });
});

test("an error says what went wrong, and a lost connection goes on", () => {
  const start = shown(readMessage(kRunning), 0);
  const lost = run(start, content("a", 0), { kind: "lost" });
  expect(lost.live?.phase).toBe("lost");
  expect(run(lost, content("b", 1))).toMatchObject({ content: "ab", live: { phase: "writing" } });
  expect(run(lost, { kind: "speed", tokens: 5, tokensPerS: 9 }).live).toMatchObject({ phase: "writing", tokensPerS: 9 });
  const failed = run(start, { kind: "error", message: "too long", messages: [] });
  expect(failed).toMatchObject({ state: "failed", live: null, facts: { error: "too long" } });
});

test("events that this page does not know are left out", () => {
  expect(readStreamEvent({ type: "novelty" }, 1)).toBeNull();
  expect(readStreamEvent(null, 1)).toBeNull();
});
