import { getJson, send } from "./http";
import { type Json, type JsonObject, flag, list, number, object, parseJson, text } from "./json";
import { readAsked, readConversation, readHit, readMessage, readStatus } from "./read";
import type {
  AnswerOptions, Asked, ContextView, Conversation, Folder, MemoryNotes, Message, NewAttachment, SearchHit, Settings,
  Status,
} from "./types";

const kRoot = "/api/app/v1/";
const conversation = (id: string) => `${kRoot}conversations/${encodeURIComponent(id)}`;
const message = (id: string) => `${kRoot}messages/${encodeURIComponent(id)}`;
const post = (body: Json) => ({ method: "POST" as const, body });

/** Options as the wire has them: the same names, without what is undefined. */
function wireOptions(options: AnswerOptions): JsonObject {
  return object(parseJson(JSON.stringify(options)));
}

export async function getStatus(): Promise<Status> {
  return readStatus(await getJson(`${kRoot}status`));
}

export async function listConversations(archived: boolean): Promise<Conversation[]> {
  const all: Conversation[] = [];
  let cursor: string | null = "";
  while (cursor !== null && all.length < 2000) {
    const more = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: JsonObject = object(await getJson(`${kRoot}conversations?archived=${archived}&limit=200${more}`));
    all.push(...list(page["conversations"]).map(readConversation));
    cursor = text(page["next_cursor"]) || null;
  }
  return all;
}

export async function createConversation(temporary: boolean, folderId: string | null): Promise<Conversation> {
  const body: JsonObject = temporary ? { temporary: true } : { folder_id: folderId };
  return readConversation(await getJson(`${kRoot}conversations`, post(body)));
}

export interface Loaded {
  conversation: Conversation;
  messages: Message[];
}

export async function loadConversation(id: string): Promise<Loaded> {
  const json = object(await getJson(conversation(id)));
  return { conversation: readConversation(json), messages: list(json["messages"]).map(readMessage) };
}

export interface ConversationPatch {
  title?: string;
  folder_id?: string | null;
  pinned?: boolean;
  archived?: boolean;
  active_leaf_id?: string;
}

export async function changeConversation(id: string, patch: ConversationPatch): Promise<Conversation> {
  return readConversation(await getJson(conversation(id), { method: "PATCH", body: { ...patch } }));
}

export async function deleteConversation(id: string): Promise<void> {
  await send(conversation(id), { method: "DELETE" });
}

export async function search(query: string): Promise<SearchHit[]> {
  const json = object(await getJson(`${kRoot}search?limit=30&q=${encodeURIComponent(query)}`));
  return list(json["results"]).map(readHit);
}

export async function contextOf(id: string): Promise<ContextView> {
  const json = object(await getJson(`${conversation(id)}/context`));
  return {
    messages: list(json["messages"]).map((one) => {
      const part = object(one);
      return { role: text(part["role"]), content: text(part["content"]) };
    }),
    tokens: number(json["n_tokens"]),
    contextLength: number(json["context_length"]),
  };
}

export async function ask(
  id: string, content: string, attachments: NewAttachment[], options: AnswerOptions,
): Promise<Asked> {
  const body: JsonObject = { content, options: wireOptions(options) };
  if (attachments.length > 0) body["attachments"] = attachments.map(({ name, text }) => ({ name, text }));
  return readAsked(await getJson(`${conversation(id)}/messages`, post(body)));
}

/** Another version of an answer, or an answer to a question that has none. */
export async function regenerate(id: string, options: AnswerOptions): Promise<Asked> {
  return readAsked(await getJson(`${message(id)}/regenerate`, post({ options: wireOptions(options) })));
}

export async function editQuestion(id: string, content: string, options: AnswerOptions): Promise<Asked> {
  return readAsked(await getJson(`${message(id)}/edit`, post({ content, options: wireOptions(options) })));
}

export async function continueAnswer(id: string): Promise<Asked> {
  return readAsked(await getJson(`${message(id)}/continue`, post({})));
}

export async function rethink(id: string, reasoning: string): Promise<Asked> {
  return readAsked(await getJson(`${message(id)}/rethink`, post({ reasoning })));
}

export async function stopAnswer(id: string): Promise<Message> {
  return readMessage(await getJson(`${message(id)}/stop`, post({})));
}

/** Tokens that a running thought may have. */
export async function setThinkingBudget(id: string, budget: number): Promise<void> {
  await send(`${message(id)}/thinking`, post({ budget }));
}

export async function answerNow(id: string): Promise<void> {
  await send(`${message(id)}/thinking`, post({ answer_now: true }));
}

export const receiptPath = (id: string) => `${message(id)}/receipt`;

function readFolder(value: Json): Folder {
  const folder = object(value);
  return { id: text(folder["id"]), name: text(folder["name"]) };
}

export async function listFolders(): Promise<Folder[]> {
  return list(object(await getJson(`${kRoot}folders`))["folders"]).map(readFolder);
}

export async function createFolder(name: string): Promise<Folder> {
  return readFolder(await getJson(`${kRoot}folders`, post({ name })));
}

export async function deleteFolder(id: string): Promise<void> {
  await send(`${kRoot}folders/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export async function getSettings(): Promise<Settings> {
  return object(object(await getJson(`${kRoot}settings`))["settings"]);
}

export async function changeSettings(patch: Settings): Promise<void> {
  await send(`${kRoot}settings`, { method: "PATCH", body: patch });
}

export async function getMemory(): Promise<MemoryNotes> {
  const json = object(await getJson(`${kRoot}memory`));
  const notes = list(json["notes"]).map((one) => ({ id: text(object(one)["id"]), text: text(object(one)["text"]) }));
  return { enabled: flag(json["enabled"]), notes };
}

export async function addNote(note: string): Promise<void> {
  await send(`${kRoot}memory`, post({ text: note }));
}

export async function deleteNote(id: string): Promise<void> {
  await send(`${kRoot}memory/${encodeURIComponent(id)}`, { method: "DELETE" });
}
