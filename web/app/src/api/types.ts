import type { Json } from "./json";

/** What is really loaded. */
export interface ModelCard {
  id: string;
  family: string;
  architecture: string;
  quantization: string;
  parameters: number;
  activeParameters: number;
  contextLength: number;
  isDistill: boolean;
  thinks: boolean;
  canTurnThinkingOff: boolean;
  notice: string;
}

export interface Status {
  version: string;
  persistent: boolean;
  models: ModelCard[];
}

/** How an answer is to be made; what is absent comes from the settings and from the model. */
export interface AnswerOptions {
  model?: string;
  thinking?: { enabled?: boolean; budget?: number };
  temperature?: number;
  seed?: number;
  n?: number;
  vote?: boolean;
}

export interface Conversation {
  id: string;
  title: string;
  temporary: boolean;
  folderId: string | null;
  pinned: boolean;
  archived: boolean;
  updatedMs: number;
  activeLeafId: string | null;
  running: boolean;
}

export interface Attachment {
  id: string;
  name: string;
  sizeBytes: number;
}

/** A file that goes with a question and is not on the server yet. */
export interface NewAttachment {
  name: string;
  text: string;
}

export interface MessageVote {
  answer: string;
  votes: number;
  counted: number;
  isWinner: boolean;
}

export interface Facts {
  model: string;
  quantization: string;
  seed: number | null;
  finish: string;
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  reasoningTokens: number;
  queuedMs: number;
  promptMs: number;
  generationMs: number;
  tokensPerS: number;
  thoughtMs: number;
  thoughtEnd: string;
  vote: MessageVote | null;
  error: string;
  hasReceipt: boolean;
}

export type MessageState = "running" | "complete" | "interrupted" | "failed";

export interface Message {
  id: string;
  conversationId: string;
  parentId: string | null;
  role: "system" | "user" | "assistant";
  content: string;
  reasoning: string;
  state: MessageState;
  createdMs: number;
  choice: number;
  events: number;  // of the stream that content and reasoning hold already
  attachments: Attachment[];
  facts: Facts;
}

export interface Asked {
  conversation: Conversation;
  question: Message | null;
  answers: Message[];
}

export interface Folder {
  id: string;
  name: string;
}

export interface SearchHit {
  conversation: Conversation;
  messageId: string | null;
  snippet: string;  // hits between U+0001 and U+0002
}

export interface ContextView {
  messages: { role: string; content: string }[];
  tokens: number;
  contextLength: number;
}

export interface MemoryNotes {
  enabled: boolean;
  notes: { id: string; text: string }[];
}

export type Settings = { [key: string]: Json };

/** What an answer is made of, in the order in which the server sends it. */
export type StreamEvent =
  | { kind: "queued"; position: number }
  | { kind: "reading"; done: number; total: number }
  | { kind: "speed"; tokens: number; tokensPerS: number }
  | { kind: "reasoning"; choice: number; text: string; id: number }
  | { kind: "content"; choice: number; text: string; id: number }
  | { kind: "thought_end"; choice: number; reason: string }
  | { kind: "finish"; choice: number; finish: string }
  | { kind: "done"; messages: Message[]; activeLeafId: string | null }
  | { kind: "error"; message: string; messages: Message[] }
  | { kind: "lost" };
