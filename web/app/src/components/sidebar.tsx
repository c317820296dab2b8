import { useState } from "preact/hooks";

import type { Conversation } from "../api/types";
import {
  addFolder, change, folders, listed, openFolder, refreshLists, remove, removeFolder, showArchived,
} from "../state/chats";
import { groupByDay } from "../state/days";
import { locale, strings } from "../state/locale";
import { isPhone, sidebarOpen } from "../state/settings";
import { current, startNew } from "../state/talk";
import { IconButton } from "./button";
import { Icon } from "./icons";
import { Menu } from "./menu";
import { goToNew } from "./route";
import { dialog, focusComposer, useFocus } from "./ui";

function Rename({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const field = useFocus<HTMLInputElement>();
  const save = (value: string) => {
    onClose();
    const title = value.trim();
    if (title !== "" && title !== conversation.title) void change(conversation.id, { title });
  };
  return (
    <input
      aria-label={strings.value.rename}
      value={conversation.title}
      ref={field}
      onBlur={(event) => save(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.isComposing) save(event.currentTarget.value);
        if (event.key === "Escape") onClose();
      }}
    />
  );
}

function Item({ conversation }: { conversation: Conversation }) {
  const words = strings.value;
  const [renaming, setRenaming] = useState(false);
  const { id, pinned, archived } = conversation;
  const title = conversation.title || words.untitled;
  const here = current.value?.id === id;
  if (renaming) return <li class="chat"><Rename conversation={conversation} onClose={() => setRenaming(false)} /></li>;
  return (
    <li class={`chat ${here ? "here" : ""}`}>
      <a href={`#/c/${encodeURIComponent(id)}`} aria-current={here ? "page" : undefined} onClick={() => isPhone() && (sidebarOpen.value = false)}>
        {conversation.running && <span class="dot" aria-hidden="true" />}
        {title}
      </a>
      <Menu label={words.more(title)}>
        <button type="button" onClick={() => void change(id, { pinned: !pinned })}>{pinned ? words.unpin : words.pin}</button>
        <button type="button" onClick={() => setRenaming(true)}>{words.rename}</button>
        <button type="button" onClick={() => void change(id, { archived: !archived }).then(refreshLists)}>
          {archived ? words.unarchive : words.archive}
        </button>
        {folders.value.length > 0 && (
          <label>
            {words.moveTo}
            <select value={conversation.folderId ?? ""} onChange={(event) => void change(id, { folder_id: event.currentTarget.value || null })}>
              <option value="">{words.noFolder}</option>
              {folders.value.map((folder) => <option key={folder.id} value={folder.id}>{folder.name}</option>)}
            </select>
          </label>
        )}
        <button
          type="button"
          class="danger"
          onClick={() => {
            if (!window.confirm(words.confirmRemove(title))) return;
            if (here) startNew();
            void remove(id);
          }}
        >
          {words.remove}
        </button>
      </Menu>
    </li>
  );
}

function Folders() {
  const words = strings.value;
  return (
    <div class="folders">
      <select aria-label={words.folders} value={openFolder.value ?? ""} onChange={(event) => (openFolder.value = event.currentTarget.value || null)}>
        <option value="">{words.allChats}</option>
        {folders.value.map((folder) => <option key={folder.id} value={folder.id}>{folder.name}</option>)}
      </select>
      <IconButton
        icon="plus"
        label={words.newFolder}
        onClick={() => {
          const name = window.prompt(words.newFolder)?.trim();
          if (name) void addFolder(name);
        }}
      />
      {openFolder.value !== null && (
        <IconButton icon="close" label={words.deleteFolder} onClick={() => openFolder.value !== null && void removeFolder(openFolder.value)} />
      )}
    </div>
  );
}

export function Sidebar() {
  const words = strings.value;
  const groups = groupByDay(listed.value, new Date(), words, locale.value);
  const begin = (asTemporary: boolean) => {
    if (isPhone()) sidebarOpen.value = false;
    goToNew(asTemporary);
    focusComposer();
  };
  return (
    <nav class="sidebar" aria-label={words.history}>
      <div class="sidebar-head">
        <button type="button" class="button primary" onClick={() => begin(false)}><Icon name="plus" />{words.newChat}</button>
        <IconButton icon="ghost" label={words.temporaryChat} onClick={() => begin(true)} />
        <IconButton icon="search" label={words.searchChats} onClick={() => (dialog.value = "palette")} />
      </div>
      <Folders />
      <div class="chats" tabIndex={0} role="group" aria-label={words.history}>
        {groups.length === 0 && <p class="note">{words.noChats}</p>}
        {groups.map((group) => (
          <section key={group.label}>
            <h2>{group.label}</h2>
            <ul>{group.conversations.map((one) => <Item key={one.id} conversation={one} />)}</ul>
          </section>
        ))}
      </div>
      <div class="sidebar-foot">
        <button
          type="button"
          class="button small"
          aria-pressed={showArchived.value}
          onClick={() => {
            showArchived.value = !showArchived.value;
            void refreshLists();
          }}
        >
          {showArchived.value ? words.showChats : words.showArchived}
        </button>
        <IconButton icon="gear" label={words.settings} onClick={() => (dialog.value = "settings")} />
      </div>
    </nav>
  );
}
