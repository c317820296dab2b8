import { useEffect, useState } from "preact/hooks";

import * as api from "../api/app";
import type { ContextView, MemoryNotes } from "../api/types";
import { tell } from "../state/chats";
import { locale, strings } from "../state/locale";
import { theme } from "../state/settings";
import { current } from "../state/talk";
import { Dialog } from "./dialog";
import { Palette } from "./palette";
import { dialog } from "./ui";

const close = () => (dialog.value = null);

function Help() {
  const words = strings.value;
  return (
    <Dialog title={words.help} onClose={close}>
      <dl class="keys">
        {words.shortcuts.map(([key, meaning]) => (
          <div key={key}>
            <dt><kbd>{key}</kbd></dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function Context() {
  const words = strings.value;
  const [view, setView] = useState<ContextView | null>(null);
  const id = current.value?.id;
  useEffect(() => {
    if (id !== undefined) void tell(api.contextOf(id)).then(setView);
  }, [id]);
  return (
    <Dialog title={words.context} onClose={close}>
      <p class="note">{words.contextNote}</p>
      {view !== null && (
        <>
          <p>{words.contextUsed(view.tokens, view.contextLength)}</p>
          {view.messages.map((one, index) => (
            <section key={index}>
              <h3>{one.role}</h3>
              <pre tabIndex={0}>{one.content}</pre>
            </section>
          ))}
        </>
      )}
    </Dialog>
  );
}

function Memory() {
  const words = strings.value;
  const [memory, setMemory] = useState<MemoryNotes | null>(null);
  const [note, setNote] = useState("");
  const load = () => tell(api.getMemory()).then(setMemory);
  useEffect(() => void load(), []);
  const add = () => {
    if (note.trim() !== "") void tell(api.addNote(note.trim())).then(load);
    setNote("");
  };
  return (
    <fieldset>
      <legend>{words.memory}</legend>
      <label>
        <input
          type="checkbox"
          checked={memory?.enabled ?? false}
          onChange={(event) => void tell(api.changeSettings({ "memory.enabled": event.currentTarget.checked })).then(load)}
        />
        {words.memoryNote}
      </label>
      <ul class="notes">
        {memory?.notes.map((one) => (
          <li key={one.id}>
            {one.text}
            <button type="button" class="button small" onClick={() => void tell(api.deleteNote(one.id)).then(load)}>{words.remove}</button>
          </li>
        ))}
      </ul>
      <div class="row">
        <input type="text" aria-label={words.addNote} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        <button type="button" class="button" onClick={add}>{words.addNote}</button>
      </div>
    </fieldset>
  );
}

function Instructions() {
  const words = strings.value;
  const [text, setText] = useState("");
  useEffect(() => {
    void tell(api.getSettings()).then((all) => setText(typeof all?.["instructions"] === "string" ? all["instructions"] : ""));
  }, []);
  return (
    <fieldset>
      <legend>{words.instructions}</legend>
      <p class="note">{words.instructionsNote}</p>
      <textarea aria-label={words.instructions} rows={4} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <button type="button" class="button" onClick={() => void tell(api.changeSettings({ instructions: text.trim() || null }))}>
        {words.save}
      </button>
    </fieldset>
  );
}

function Settings() {
  const words = strings.value;
  return (
    <Dialog title={words.settings} onClose={close}>
      <div class="row">
        <label>
          {words.theme}
          <select value={theme.value} onChange={(event) => {
            const value = event.currentTarget.value;
            theme.value = value === "light" || value === "dark" ? value : "auto";
          }}>
            <option value="auto">{words.themeAuto}</option>
            <option value="light">{words.themeLight}</option>
            <option value="dark">{words.themeDark}</option>
          </select>
        </label>
        <label>
          {words.language}
          <select value={locale.value} onChange={(event) => (locale.value = event.currentTarget.value === "zh" ? "zh" : "en")}>
            <option value="en" lang="en">English</option>
            <option value="zh" lang="zh">中文</option>
          </select>
        </label>
      </div>
      <Instructions />
      <Memory />
    </Dialog>
  );
}

export function Dialogs() {
  switch (dialog.value) {
    case "palette":
      return <Palette />;
    case "help":
      return <Help />;
    case "settings":
      return <Settings />;
    case "context":
      return <Context />;
    case null:
      return null;
  }
}
