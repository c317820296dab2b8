import { batch, computed, type Signal, signal } from "@preact/signals";

import * as api from "../api/app";
import { follow } from "../api/stream";
import type { Asked, Conversation, Message, NewAttachment, StreamEvent } from "../api/types";
import { applyEvent, type ShownMessage, shown } from "./answer";
import { change, conversations, model, noteConversation, refreshLists, remove, tell } from "./chats";
import { answerOptions } from "./settings";
import { newestLeaf, pathTo } from "./tree";

/** A message in the tree. What changes while it is written is in its signal, so that only its own view follows. */
export interface TalkNode {
  id: string;
  parentId: string | null;
  role: Message["role"];
  message: Signal<ShownMessage>;
}

/** The conversation that is open; null: a new one, which begins with the first question. */
export const current = signal<Conversation | null>(null);
export const currentId = computed(() => current.value?.id ?? null);
export const nodes = signal<ReadonlyMap<string, TalkNode>>(new Map());
export const leaf = signal<string | null>(null);
/** Whether the next new conversation shall be temporary. */
export const temporary = signal(false);
export const loading = signal(false);
/** The answers under way in the conversation that is open. */
export const running = signal<readonly string[]>([]);

export const path = computed(() => pathTo(nodes.value, leaf.value));

let following = new AbortController();
let sending = false;

export const options = () => answerOptions(model.value?.canTurnThinkingOff ?? false);

/** Takes messages into the tree; those that are there already get their new content. */
function take(messages: readonly Message[]): void {
  const now = Date.now();
  const tree = new Map(nodes.value);
  for (const message of messages) {
    const known = tree.get(message.id);
    if (known !== undefined) known.message.value = shown(message, now);
    else {
      const { id, parentId, role } = message;
      tree.set(id, { id, parentId, role, message: signal(shown(message, now)) });
    }
  }
  nodes.value = tree;
}

/** Applies what came at most once per frame: a fast model writes more tokens than a screen has pictures. */
function frames(apply: (events: StreamEvent[]) => void): (event: StreamEvent) => void {
  let waiting: StreamEvent[] = [];
  let planned = false;
  const run = () => {
    planned = false;
    const events = waiting;
    waiting = [];
    if (events.length > 0) batch(() => apply(events));
  };
  return (event) => {
    waiting.push(event);
    if (event.kind === "done" || event.kind === "error") return run();
    if (planned) return;
    planned = true;
    // Hidden pages get no frames.
    if (document.visibilityState === "visible") requestAnimationFrame(run);
    else setTimeout(run, 200);
  };
}

/** Follows the stream that these answers share until all have ended. */
async function listen(ids: readonly string[]): Promise<void> {
  const first = ids[0];
  if (first === undefined) return;
  const signalOfEnd = following.signal;
  running.value = [...running.value.filter((id) => !ids.includes(id)), ...ids];
  const apply = frames((events) => {
    if (signalOfEnd.aborted) return;
    const now = Date.now();
    for (const id of ids) {
      const node = nodes.value.get(id);
      if (node === undefined) continue;
      node.message.value = events.reduce((message, event) => applyEvent(message, event, now), node.message.value);
    }
    const last = events[events.length - 1];
    if (last?.kind === "done" || last?.kind === "error") {
      take(last.messages);
      if (last.kind === "done" && ids.length > 1 && last.activeLeafId !== null) leaf.value = last.activeLeafId;
      running.value = running.value.filter((id) => !ids.includes(id));
    }
  });
  const held = ids.map((id) => nodes.value.get(id)?.message.value.events ?? 0);
  for await (const event of follow(first, Math.min(...held) - 1, signalOfEnd)) apply(event);
  if (signalOfEnd.aborted) return;
  await refreshLists();
  const listed = conversations.value.find((one) => one.id === current.value?.id);
  if (listed !== undefined) current.value = listed;  // its title may have come
}

function show(asked: Asked): void {
  batch(() => {
    noteConversation(asked.conversation);
    current.value = asked.conversation;
    take([...(asked.question ? [asked.question] : []), ...asked.answers]);
    leaf.value = asked.answers[0]?.id ?? asked.conversation.activeLeafId;
  });
  void listen(asked.answers.filter((one) => one.state === "running").map((one) => one.id));
}

function leave(): void {
  following.abort();
  following = new AbortController();
  const left = current.value;
  batch(() => {
    current.value = null;
    nodes.value = new Map();
    leaf.value = null;
    running.value = [];
  });
  if (left?.temporary) void remove(left.id);
}

export function startNew(asTemporary = false): void {
  leave();
  temporary.value = asTemporary;
}

export async function open(id: string): Promise<boolean> {
  if (current.value?.id === id) return true;
  leave();
  temporary.value = false;
  loading.value = true;
  const ours = following;
  const loaded = await tell(api.loadConversation(id));
  loading.value = false;
  if (loaded === null || ours !== following) return false;
  batch(() => {
    current.value = loaded.conversation;
    take(loaded.messages);
    leaf.value = loaded.conversation.activeLeafId;
  });
  const streams = new Map<string, string[]>();  // answers to one question come in one stream
  for (const one of loaded.messages) {
    if (one.state !== "running") continue;
    const key = one.parentId ?? "";
    streams.set(key, [...(streams.get(key) ?? []), one.id]);
  }
  for (const ids of streams.values()) void listen(ids);
  return true;
}

/** Sends a question. false: it was not taken, and the reader should have it back. */
export async function send(content: string, attachments: NewAttachment[]): Promise<boolean> {
  if (sending) return false;
  sending = true;
  try {
    const conversation = current.value ?? (await tell(api.createConversation(temporary.value, null)));
    if (conversation === null) return false;
    const asked = await tell(api.ask(conversation.id, content, attachments, options()));
    if (asked !== null) show(asked);
    else if (current.value === null) void remove(conversation.id);
    return asked !== null;
  } finally {
    sending = false;
  }
}

const showIfThere = (asked: Asked | null) => asked !== null && show(asked);

export const regenerate = async (id: string) => showIfThere(await tell(api.regenerate(id, options())));
export const goOn = async (id: string) => showIfThere(await tell(api.continueAnswer(id)));
export const rethink = async (id: string, thought: string) => showIfThere(await tell(api.rethink(id, thought)));
export const editQuestion = async (id: string, content: string) =>
  showIfThere(await tell(api.editQuestion(id, content, options())));

/** The stream says what became of them. */
export async function stop(): Promise<void> {
  await tell(Promise.all(running.value.map((id) => api.stopAnswer(id))));
}

export const giveBudget = (id: string, tokens: number) => tell(api.setThinkingBudget(id, tokens));
export const answerNow = (id: string) => tell(api.answerNow(id));

/** Shows another version of a question or of an answer, with what came after it. */
export function choose(id: string): void {
  leaf.value = newestLeaf(nodes.value, id);
  if (current.value !== null) void change(current.value.id, { active_leaf_id: id });
}
