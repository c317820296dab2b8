import { batch, computed, signal } from "@preact/signals";

import * as api from "../api/app";
import { ApiError, useKey } from "../api/http";
import type { Conversation, Folder, Status } from "../api/types";

export const status = signal<Status | null>(null);
export const serverAway = signal(false);
/** The server wants a key that this page does not have. */
export const needsKey = signal(false);
export const conversations = signal<Conversation[]>([]);
export const folders = signal<Folder[]>([]);
export const showArchived = signal(false);
/** Id of the folder whose conversations are listed; null: all of them. */
export const openFolder = signal<string | null>(null);
/** What went wrong, in words; "": nothing. */
export const problem = signal("");

export const model = computed(() => status.value?.models[0] ?? null);

export const listed = computed(() => {
  const folder = openFolder.value;
  return conversations.value.filter((one) => folder === null || one.folderId === folder);
});

/** Does it, and says on the page what went wrong. Returns null then. */
export async function tell<T>(doing: Promise<T>): Promise<T | null> {
  try {
    const result = await doing;
    problem.value = "";
    return result;
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
    return null;
  }
}

export async function refreshStatus(): Promise<void> {
  try {
    status.value = await api.getStatus();
    serverAway.value = false;
    needsKey.value = false;
  } catch (error) {
    const isRefusal = error instanceof ApiError && (error.status === 401 || error.status === 403);
    needsKey.value = isRefusal;
    serverAway.value = !isRefusal;
  }
}

export async function enterKey(key: string): Promise<void> {
  useKey(key.trim());
  await refreshStatus();
  if (!needsKey.value) await refreshLists();
}

export async function refreshLists(): Promise<void> {
  const lists = await tell(Promise.all([api.listConversations(showArchived.value), api.listFolders()]));
  if (lists === null) return;
  batch(() => {
    conversations.value = lists[0];
    folders.value = lists[1];
  });
}

export function noteConversation(changed: Conversation): void {
  if (changed.temporary) return;
  const others = conversations.value.filter((one) => one.id !== changed.id);
  conversations.value = changed.archived === showArchived.value ? [changed, ...others] : others;
}

export async function change(id: string, patch: api.ConversationPatch): Promise<void> {
  const changed = await tell(api.changeConversation(id, patch));
  if (changed !== null) noteConversation(changed);
}

export async function remove(id: string): Promise<void> {
  await tell(api.deleteConversation(id));
  conversations.value = conversations.value.filter((one) => one.id !== id);
}

export async function addFolder(name: string): Promise<void> {
  const folder = await tell(api.createFolder(name));
  if (folder !== null) folders.value = [...folders.value, folder];
}

export async function removeFolder(id: string): Promise<void> {
  if (openFolder.value === id) openFolder.value = null;
  await tell(api.deleteFolder(id));
  await refreshLists();
}
