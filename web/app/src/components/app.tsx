import { useEffect, useState } from "preact/hooks";

import { enterKey, model, needsKey, problem, refreshLists, refreshStatus, serverAway } from "../state/chats";
import { strings } from "../state/locale";
import { isPhone, sidebarOpen } from "../state/settings";
import { current, path, running, stop, temporary } from "../state/talk";
import { IconButton } from "./button";
import { Composer } from "./composer";
import { Dialogs } from "./dialogs";
import { Greeting } from "./greeting";
import { goToNew } from "./route";
import { Sidebar } from "./sidebar";
import { StatusLine } from "./status_line";
import { Transcript } from "./transcript";
import { dialog, editing, focusComposer } from "./ui";

/** How much of the context is used, as far as the last answer told. */
function ContextGauge() {
  const words = strings.value;
  const length = model.value?.contextLength ?? 0;
  const last = path.value.findLast((node) => node.role === "assistant")?.message.value;
  if (length === 0 || last === undefined) return null;
  const live = last.live?.tokens ?? 0;
  const used = last.facts.promptTokens + last.facts.completionTokens || live;
  const label = words.contextUsed(used, length);
  const percent = `${Math.round((100 * used) / length)} %`;
  return (
    <button type="button" class="gauge" title={label} aria-label={`${words.context} ${percent}: ${label}`} onClick={() => (dialog.value = "context")}>
      <meter min={0} max={length} high={0.9 * length} value={Math.min(used, length)} aria-hidden="true" />
      <span>{percent}</span>
    </button>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

function onKey(event: KeyboardEvent): void {
  if (event.isComposing) return;
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (control && !event.shiftKey && key === "k") dialog.value = dialog.value === "palette" ? null : "palette";
  else if (control && !event.shiftKey && key === "b") sidebarOpen.value = !sidebarOpen.value;
  else if (control && event.shiftKey && key === "o") {
    goToNew();
    focusComposer();
  } else if (event.key === "?" && !isTyping(event.target)) dialog.value = "help";
  else if (event.key === "Escape" && dialog.value === null && editing.value === null && running.value.length > 0) void stop();
  else return;
  event.preventDefault();
}

function Away() {
  const words = strings.value;
  return (
    <p class="away" role="alert">
      {words.serverAway}
      <button type="button" class="button small" onClick={() => void refreshStatus().then(refreshLists)}>{words.retry}</button>
    </p>
  );
}

function KeyForm() {
  const words = strings.value;
  const [key, setKey] = useState("");
  return (
    <form class="away" onSubmit={(event) => { event.preventDefault(); void enterKey(key); }}>
      <label>
        {words.needsKey}
        <input type="password" autocomplete="off" value={key} onInput={(event) => setKey(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button small">{words.retry}</button>
    </form>
  );
}

export function App() {
  const words = strings.value;
  useEffect(() => {
    void refreshStatus();
    void refreshLists();
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  const isTemporary = current.value?.temporary ?? temporary.value;
  const title = current.value?.title || (isTemporary ? words.temporaryChat : words.newChat);
  useEffect(() => {
    document.title = current.value?.title ? `${current.value.title} - ${words.appName}` : words.appName;
  }, [title]);
  return (
    <div class={`app ${sidebarOpen.value ? "with-sidebar" : ""}`}>
      {sidebarOpen.value && <Sidebar />}
      {sidebarOpen.value && isPhone() && <div class="backdrop" onClick={() => (sidebarOpen.value = false)} />}
      <div class="page">
        <header class="top">
          <IconButton icon="menu" label={words.sidebar} expanded={sidebarOpen.value} onClick={() => (sidebarOpen.value = !sidebarOpen.value)} />
          <h1 class="title">{title}</h1>
          {isTemporary && <span class="badge" title={words.temporaryNote}>{words.temporaryChat}</span>}
          <ContextGauge />
          <span class="model" title={model.value?.notice}>{model.value?.id}</span>
        </header>
        <main>
          {serverAway.value && <Away />}
          {needsKey.value && <KeyForm />}
          {path.value.length === 0 ? <Greeting /> : <Transcript />}
          {problem.value !== "" && !serverAway.value && !needsKey.value && (
            <p class="problem" role="alert">
              {problem.value}
              <IconButton icon="close" label={words.close} onClick={() => (problem.value = "")} />
            </p>
          )}
          <Composer />
        </main>
        <StatusLine />
      </div>
      <Dialogs />
    </div>
  );
}
