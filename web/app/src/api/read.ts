import { flag, type Json, list, number, object, text } from "./json";
import type {
  Asked, Conversation, Facts, Message, MessageState, MessageVote, ModelCard, SearchHit, Status, StreamEvent,
} from "./types";

const textOrNull = (value: Json | undefined): string | null => (typeof value === "string" ? value : null);

function readCard(value: Json): ModelCard {
  const card = object(value);
  return {
    id: text(card["id"]),
    family: text(card["family"]),
    architecture: text(card["architecture"]),
    quantization: text(card["quantization"]),
    parameters: number(card["n_parameters"]),
    activeParameters: number(card["n_active_parameters"]),
    contextLength: number(card["context_length"]),
    isDistill: flag(card["is_distill"]),
    thinks: flag(card["thinks"]),
    canTurnThinkingOff: flag(card["can_turn_thinking_off"]),
    notice: text(card["notice"]),
  };
}

export function readStatus(value: Json): Status {
  const status = object(value);
  return {
    version: text(status["version"]),
    persistent: flag(status["persistent"]),
    models: list(status["models"]).map(readCard),
  };
}

export function readConversation(value: Json | undefined): Conversation {
  const one = object(value);
  return {
    id: text(one["id"]),
    title: text(one["title"]),
    temporary: flag(one["temporary"]),
    folderId: textOrNull(one["folder_id"]),
    pinned: flag(one["pinned"]),
    archived: flag(one["archived"]),
    updatedMs: number(one["updated_ms"]),
    activeLeafId: textOrNull(one["active_leaf_id"]),
    running: flag(one["running"]),
  };
}

function readVote(value: Json | undefined): MessageVote | null {
  const vote = object(value);
  if (typeof vote["n_counted"] !== "number") return null;
  return {
    answer: text(vote["answer"]),
    votes: number(vote["n_votes"]),
    counted: vote["n_counted"],
    isWinner: flag(vote["is_winner"]),
  };
}

export function readFacts(value: Json | undefined): Facts {
  const facts = object(value);
  const usage = object(facts["usage"]);
  const timing = object(facts["timing"]);
  const details = object(usage["completion_tokens_details"]);
  return {
    model: text(facts["model"]),
    quantization: text(facts["quantization"]),
    seed: typeof facts["seed"] === "number" ? facts["seed"] : null,
    finish: text(facts["finish"]),
    promptTokens: number(usage["prompt_tokens"]),
    cachedTokens: number(usage["prompt_cache_hit_tokens"]),
    completionTokens: number(usage["completion_tokens"]),
    reasoningTokens: number(usage["reasoning_tokens"]) || number(details["reasoning_tokens"]),
    queuedMs: number(timing["queued_ms"]),
    promptMs: number(timing["prompt_ms"]),
    generationMs: number(timing["generation_ms"]),
    tokensPerS: number(facts["tokens_per_s"]),
    thoughtMs: number(facts["thought_ms"]),
    thoughtEnd: text(facts["thought_end"]),
    vote: readVote(facts["vote"]),
    error: text(facts["error"]) || text(object(facts["error"])["message"]),
    hasReceipt: flag(facts["has_receipt"]),
  };
}

function readState(value: Json | undefined): MessageState {
  return value === "running" || value === "interrupted" || value === "failed" ? value : "complete";
}

export function readMessage(value: Json | undefined): Message {
  const one = object(value);
  const role = one["role"];
  return {
    id: text(one["id"]),
    conversationId: text(one["conversation_id"]),
    parentId: textOrNull(one["parent_id"]),
    role: role === "assistant" || role === "system" ? role : "user",
    content: text(one["content"]),
    reasoning: text(one["reasoning"]),
    state: readState(one["state"]),
    createdMs: number(one["created_ms"]),
    choice: number(one["choice"]),
    events: number(one["events"]),
    attachments: list(one["attachments"]).map((each) => {
      const file = object(each);
      return { id: text(file["id"]), name: text(file["name"]), sizeBytes: number(file["size_bytes"]) };
    }),
    facts: readFacts(one["facts"]),
  };
}

export function readAsked(value: Json): Asked {
  const asked = object(value);
  return {
    conversation: readConversation(asked["conversation"]),
    question: asked["question"] ? readMessage(asked["question"]) : null,
    answers: list(asked["answers"]).map(readMessage),
  };
}

export function readHit(value: Json): SearchHit {
  const hit = object(value);
  return {
    conversation: readConversation(hit["conversation"]),
    messageId: textOrNull(hit["message_id"]),
    snippet: text(hit["snippet"]),
  };
}

function readProgress(data: { [name: string]: Json }): StreamEvent {
  if (data["phase"] === "queued") return { kind: "queued", position: number(data["queue_position"]) };
  if (data["phase"] === "reading") {
    return { kind: "reading", done: number(data["prompt_done"]), total: number(data["prompt_total"]) };
  }
  return { kind: "speed", tokens: number(data["tokens"]), tokensPerS: number(data["tokens_per_s"]) };
}

/** What one event of a running answer says; null: something that this page does not know. id: the event's number. */
export function readStreamEvent(json: Json, id: number): StreamEvent | null {
  const data = object(json);
  const choice = number(data["choice"]);
  switch (data["type"]) {
    case "progress":
      return readProgress(data);
    case "reasoning":
      return { kind: "reasoning", choice, text: text(data["text"]), id };
    case "content":
      return { kind: "content", choice, text: text(data["text"]), id };
    case "thought_end":
      return { kind: "thought_end", choice, reason: text(data["reason"]) };
    case "finish":
      return { kind: "finish", choice, finish: text(data["finish"]) };
    case "done": {
      const messages = list(data["messages"]).map(readMessage);
      return { kind: "done", messages, activeLeafId: textOrNull(data["active_leaf_id"]) };
    }
    case "error": {
      const messages = list(data["messages"]).map(readMessage);
      return { kind: "error", message: text(object(data["error"])["message"]), messages };
    }
    default:
      return null;
  }
}
