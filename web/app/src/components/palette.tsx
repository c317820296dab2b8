import { useEffect, useState } from "preact/hooks";

import * as api from "../api/app";
import type { SearchHit } from "../api/types";
import { conversations, tell } from "../state/chats";
import { strings } from "../state/locale";
import { sidebarOpen } from "../state/settings";
import { Dialog } from "./dialog";
import { go, goToNew } from "./route";
import { dialog, focusComposer } from "./ui";

interface Entry {
  key: string;
  label: string;
  detail?: string;
  run: () => void;
}

/** The search's marks as elements: what lies between U+0001 and U+0002 was found. */
function Snippet({ text }: { text: string }) {
  return (
    <span class="snippet">
      {text.split(/(\u0001[^\u0002]*\u0002)/).map((part, index) =>
        part.startsWith("\u0001") ? <mark key={index}>{part.slice(1, -1)}</mark> : part)}
    </span>
  );
}

function commands(): Entry[] {
  const words = strings.value;
  return [
    { key: "new", label: words.newChat, run: () => goToNew() },
    { key: "temporary", label: words.temporaryChat, run: () => goToNew(true) },
    { key: "sidebar", label: words.sidebar, run: () => (sidebarOpen.value = !sidebarOpen.value) },
    { key: "context", label: words.context, run: () => (dialog.value = "context") },
    { key: "settings", label: words.settings, run: () => (dialog.value = "settings") },
    { key: "help", label: words.help, run: () => (dialog.value = "help") },
  ];
}

export function Palette() {
  const words = strings.value;
  const [query, setQuery] = useState("");
  const [hits, setHits] = useState<SearchHit[]>([]);
  const [at, setAt] = useState(0);
  useEffect(() => {
    if (query.trim() === "") {
      setHits([]);
      return;
    }
    let wanted = true;
    const timer = setTimeout(() => {
      void tell(api.search(query)).then((found) => wanted && setHits(found ?? []));
    }, 150);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [query]);

  const needle = query.trim().toLowerCase();
  const open = (id: string) => () => go(id);
  const entries: Entry[] = [
    ...commands().filter((one) => one.label.toLowerCase().includes(needle)),
    ...conversations.value
      .filter((one) => needle === "" || one.title.toLowerCase().includes(needle))
      .slice(0, 8)
      .map((one) => ({ key: `c${one.id}`, label: one.title || words.untitled, run: open(one.id) })),
    ...hits.map((hit, index) => ({
      key: `h${index}`, label: hit.conversation.title || words.untitled, detail: hit.snippet, run: open(hit.conversation.id),
    })),
  ];
  const chosen = Math.min(at, entries.length - 1);
  const run = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    dialog.value = null;
    entry.run();
    if (dialog.value === null) setTimeout(focusComposer);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((chosen + step + entries.length) % Math.max(1, entries.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(entries[chosen]);
    }
  };
  return (
    <Dialog title={words.commands} class="palette" onClose={() => (dialog.value = null)}>
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={entries.length > 0 ? `palette-${chosen}` : undefined}
        aria-label={words.commands}
        placeholder={words.searchChats}
        autofocus
        value={query}
        onInput={(event) => { setQuery(event.currentTarget.value); setAt(0); }}
        onKeyDown={onKeyDown}
      />
      <ul id="palette-list" role="listbox" aria-label={words.commands}>
        {entries.map((entry, index) => (
          <li key={entry.key} id={`palette-${index}`} role="option" aria-selected={index === chosen} onClick={() => run(entry)}>
            {entry.label}
            {entry.detail !== undefined && <Snippet text={entry.detail} />}
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p class="note">{words.nothingFound}</p>}
    </Dialog>
  );
}
