import type { Message, StreamEvent } from "../api/types";

/** What a running answer does now, as far as this page knows. */
export type Phase = "starting" | "queued" | "reading" | "thinking" | "writing" | "lost";

export interface Live {
  phase: Phase;
  queuePosition: number;
  promptDone: number;
  promptTotal: number;
  tokens: number;
  tokensPerS: number;
  thinkingSince: number;  // 0: it has not thought yet
}

/** A message as the page shows it. live: only while it runs. */
export interface ShownMessage extends Message {
  live: Live | null;
}

/** What an answer does, by what it has said so far. */
function phaseOf(message: Message): Phase {
  if (message.content !== "") return "writing";
  return message.reasoning !== "" ? "thinking" : "starting";
}

export function shown(message: Message, now: number): ShownMessage {
  if (message.state !== "running") return { ...message, live: null };
  const phase = phaseOf(message);
  const thinkingSince = phase === "thinking" ? Math.min(now, message.createdMs || now) : 0;
  const counts = { queuePosition: 0, promptDone: 0, promptTotal: 0, tokens: 0, tokensPerS: 0 };
  return { ...message, live: { phase, thinkingSince, ...counts } };
}

/** Whether an event is about this answer, or about all of its stream. */
function concerns(message: Message, event: StreamEvent): boolean {
  return !("choice" in event) || event.choice === message.choice;
}

/**
 * The answer after an event. Events that its text holds already change nothing: answers of one vote share a stream,
 * and one may have been stored further than another.
 */
export function applyEvent(message: ShownMessage, event: StreamEvent, now: number): ShownMessage {
  const live = message.live;
  if (live === null || !concerns(message, event)) return message;
  switch (event.kind) {
    case "queued":
      return { ...message, live: { ...live, phase: "queued", queuePosition: event.position } };
    case "reading":
      return { ...message, live: { ...live, phase: "reading", promptDone: event.done, promptTotal: event.total } };
    case "speed": {
      const phase = live.phase === "lost" ? phaseOf(message) : live.phase;
      return { ...message, live: { ...live, phase, tokens: event.tokens, tokensPerS: event.tokensPerS } };
    }
    case "reasoning": {
      if (event.id >= 0 && event.id < message.events) return message;
      const thinkingSince = live.thinkingSince || now;
      const reasoning = message.reasoning + event.text;
      return { ...message, reasoning, live: { ...live, phase: "thinking", thinkingSince } };
    }
    case "content": {
      if (event.id >= 0 && event.id < message.events) return message;
      return { ...message, ...thoughtOver(message, live, now), content: message.content + event.text };
    }
    case "thought_end":
      return { ...message, facts: { ...message.facts, thoughtEnd: event.reason } };
    case "finish":
      return { ...message, facts: { ...message.facts, finish: event.finish } };
    case "lost":
      return { ...message, live: { ...live, phase: "lost" } };
    case "done":
    case "error": {
      const stored = event.messages.find((one) => one.id === message.id);
      if (stored !== undefined) return { ...stored, live: null };
      if (event.kind === "done") return { ...message, state: "complete", live: null };
      return { ...message, state: "failed", live: null, facts: { ...message.facts, error: event.message } };
    }
  }
}

function thoughtOver(message: ShownMessage, live: Live, now: number) {
  const thoughtMs = message.facts.thoughtMs || (live.thinkingSince > 0 ? now - live.thinkingSince : 0);
  return { facts: { ...message.facts, thoughtMs }, live: { ...live, phase: "writing" as const } };
}
