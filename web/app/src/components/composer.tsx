import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import type { NewAttachment } from "../api/types";
import { model, problem } from "../state/chats";
import { draftOf, keepDraft } from "../state/drafts";
import { kLongPaste, readFile } from "../state/files";
import { strings } from "../state/locale";
import { deepThink, kBudgets, thinkingBudget, voters } from "../state/settings";
import { current, currentId, path, running, send, stop, temporary } from "../state/talk";
import { IconButton } from "./button";
import { Icon } from "./icons";
import { editing, focusComposer } from "./ui";

function Controls() {
  const words = strings.value;
  const card = model.value;
  const always = card !== null && card.thinks && !card.canTurnThinkingOff;
  const on = always || deepThink.value;
  const label = (tokens: number) => (tokens === 0 ? words.noLimit : words.budgetTokens(tokens));
  return (
    <>
      {card?.thinks !== false && (
        <button
          type="button"
          class="toggle"
          aria-pressed={on}
          disabled={always}
          title={always ? words.deepThinkAlways : words.deepThink}
          onClick={() => (deepThink.value = !deepThink.value)}
        >
          {words.deepThink}
        </button>
      )}
      {on && (
        <select
          aria-label={words.budget}
          title={words.budget}
          value={thinkingBudget.value}
          onChange={(event) => (thinkingBudget.value = Number(event.currentTarget.value))}
        >
          {kBudgets.map((tokens) => <option key={tokens} value={tokens}>{label(tokens)}</option>)}
        </select>
      )}
      <select
        aria-label={words.vote}
        title={words.vote}
        value={voters.value}
        onChange={(event) => (voters.value = Number(event.currentTarget.value))}
      >
        {[1, 3, 5, 8, 16].map((k) => <option key={k} value={k}>{k === 1 ? words.oneAnswer : words.voteOf(k)}</option>)}
      </select>
    </>
  );
}

/** Where questions are written. It keeps what is typed, also when the page is left. */
export function Composer() {
  const words = strings.value;
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const text = useSignal("");
  const files = useSignal<NewAttachment[]>([]);
  const over = useSignal(false);
  const busy = running.value.length > 0;

  useSignalEffect(() => {
    text.value = draftOf(currentId.value);
    files.value = [];
    focusComposer();
  });
  useEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, 260)}px`;
  }, [text.value]);

  const type = (value: string) => {
    text.value = value;
    keepDraft(current.peek()?.id ?? null, value, current.peek()?.temporary ?? temporary.peek());
  };
  const submit = async () => {
    const content = text.value.trim();
    if (running.peek().length > 0 || (content === "" && files.value.length === 0)) return;
    const before = { text: text.value, files: files.value };
    const draft = current.peek()?.id ?? null;
    type("");
    files.value = [];
    focusComposer();
    const taken = await send(content, before.files);
    if (taken) keepDraft(draft, "", false);
    else {
      type(before.text);
      files.value = before.files;
    }
  };
  const take = async (list: Iterable<File>) => {
    for (const file of list) {
      const read = await readFile(file);
      if (read.kind === "text") files.value = [...files.value, { name: read.name, text: read.text }];
      else problem.value = read.kind === "large" ? words.tooLarge(read.name) : words.notText(read.name);
    }
    focusComposer();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // 229 and isComposing: the key belongs to an input method, which is choosing a character.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void submit();
    } else if (event.key === "ArrowUp" && text.value === "" && !busy) {
      const last = path.value.findLast((node) => node.role === "user");
      if (last === undefined) return;
      event.preventDefault();
      editing.value = last.id;
    } else if (event.key === "Escape" && busy) {
      event.preventDefault();
      void stop();
    }
  };
  const onPaste = (event: ClipboardEvent) => {
    const data = event.clipboardData;
    if (data === null) return;
    if (data.files.length > 0) {
      event.preventDefault();
      void take(data.files);
      return;
    }
    const pasted = data.getData("text/plain");
    if (pasted.length <= kLongPaste) return;
    event.preventDefault();
    files.value = [...files.value, { name: words.pastedText, text: pasted }];
  };

  return (
    <form
      class={`composer ${over.value ? "over" : ""}`}
      onSubmit={(event) => { event.preventDefault(); void submit(); }}
      onDragOver={(event) => { event.preventDefault(); over.value = true; }}
      onDragLeave={() => (over.value = false)}
      onDrop={(event) => {
        event.preventDefault();
        over.value = false;
        if (event.dataTransfer) void take(event.dataTransfer.files);
      }}
    >
      {files.value.length > 0 && (
        <ul class="attachments">
          {files.value.map((file, index) => (
            <li key={index}>
              <Icon name="file" />
              {file.name}
              <IconButton icon="close" label={words.detach(file.name)} onClick={() => (files.value = files.value.filter((one) => one !== file))} />
            </li>
          ))}
        </ul>
      )}
      {over.value && <p class="note">{words.dropHere}</p>}
      <textarea
        id="composer-text"
        ref={area}
        rows={1}
        aria-label={words.ask}
        placeholder={words.ask}
        value={text.value}
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      <div class="row">
        <Controls />
        <span class="space" />
        <input ref={picker} type="file" multiple hidden onChange={(event) => { void take(event.currentTarget.files ?? []); event.currentTarget.value = ""; }} />
        <IconButton icon="attach" label={words.attach} onClick={() => picker.current?.click()} />
        {busy ? (
          <button type="button" class="send" aria-label={words.stop} title={words.stop} onClick={() => { void stop(); focusComposer(); }}>
            <Icon name="stop" />
          </button>
        ) : (
          <button type="submit" class="send" aria-label={words.send} title={words.send} disabled={text.value.trim() === "" && files.value.length === 0}>
            <Icon name="send" />
          </button>
        )}
      </div>
    </form>
  );
}
