import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";

import type { ShownMessage } from "../state/answer";
import { strings } from "../state/locale";
import { choose, editQuestion, goOn, nodes, regenerate, running, type TalkNode } from "../state/talk";
import { versionsOf } from "../state/tree";
import { phaseWords } from "../state/words";
import { AnswerCard } from "./answer_card";
import { IconButton } from "./button";
import { useClock } from "./clock";
import { Icon } from "./icons";
import { Markdown } from "./markdown";
import { Thought } from "./thought";
import { editing, focusComposer, useFocus } from "./ui";
import { Vote } from "./vote";

function Versions({ node }: { node: TalkNode }) {
  const words = strings.value;
  const all = versionsOf(nodes.value, node);
  if (all.length < 2) return null;
  const at = all.findIndex((one) => one.id === node.id);
  const go = (step: number) => {
    const other = all[at + step];
    if (other !== undefined) choose(other.id);
  };
  return (
    <span class="versions">
      <IconButton icon="left" label={words.previousVersion} disabled={at === 0} onClick={() => go(-1)} />
      <span>{words.version(at + 1, all.length)}</span>
      <IconButton icon="right" label={words.nextVersion} disabled={at === all.length - 1} onClick={() => go(1)} />
    </span>
  );
}

function CopyButton({ text }: { text: string }) {
  const words = strings.value;
  const [done, setDone] = useState(false);
  const copy = () => {
    void navigator.clipboard.writeText(text).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    });
  };
  return <IconButton icon="copy" label={done ? words.copied : words.copy} onClick={copy} />;
}

/** What a running answer does now, and how fast. */
function Progress({ message }: { message: ShownMessage }) {
  const words = strings.value;
  const now = useClock(true);
  const live = message.live;
  if (live === null) return null;
  const waits = live.phase !== "thinking" || message.reasoning === "";
  return (
    <p class="progress">
      {waits && <span class="phase">{phaseWords(message, now, words)}</span>}
      {live.phase === "reading" && <progress aria-label={words.reading(0)} value={live.promptDone} max={live.promptTotal || 1} />}
      {live.tokensPerS > 0 && <span>{words.tokensPerS(live.tokensPerS.toFixed(live.tokensPerS < 10 ? 1 : 0))}</span>}
    </p>
  );
}

function Assistant({ node, message }: { node: TalkNode; message: ShownMessage }) {
  const words = strings.value;
  const [card, setCard] = useState(false);
  const idle = running.value.length === 0;
  const cut = message.state === "interrupted" || (message.state === "complete" && message.facts.finish === "length");
  return (
    <>
      <Thought message={message} />
      {message.content !== "" && <Markdown text={message.content} />}
      {message.live !== null && <Progress message={message} />}
      <Vote message={message} />
      {message.facts.finish === "repetition" && <p class="note">{words.answerLoop}</p>}
      {message.state === "failed" && <p class="note error">{message.facts.error || words.failed}</p>}
      {message.live === null && (
        <footer class="actions">
          <Versions node={node} />
          <CopyButton text={message.content} />
          <IconButton icon="again" label={words.regenerate} disabled={!idle} onClick={() => void regenerate(message.id)} />
          <IconButton icon="info" label={words.about} expanded={card} onClick={() => setCard(!card)} />
          {cut && (
            <span class="cut">
              <span class="note">{words.cut}</span>
              <button type="button" class="button small" disabled={!idle} onClick={() => void goOn(message.id)}>
                {words.goOn}
              </button>
            </span>
          )}
        </footer>
      )}
      {card && message.live === null && <AnswerCard message={message} />}
    </>
  );
}

function QuestionEditor({ message }: { message: ShownMessage }) {
  const words = strings.value;
  const [text, setText] = useState(message.content);
  const area = useFocus<HTMLTextAreaElement>();
  const close = () => {
    editing.value = null;
    focusComposer();
  };
  const submit = () => {
    close();
    if (text.trim() !== "") void editQuestion(message.id, text);
  };
  return (
    <form class="editor" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <textarea
        aria-label={words.edit}
        rows={Math.min(12, text.split("\n").length + 1)}
        value={text}
        ref={area}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) submit();
        }}
      />
      <div class="row">
        <button type="submit" class="button primary" disabled={text.trim() === ""}>{words.sendEdit}</button>
        <button type="button" class="button" onClick={close}>{words.cancel}</button>
      </div>
    </form>
  );
}

function Question({ node, message }: { node: TalkNode; message: ShownMessage }) {
  const words = strings.value;
  if (editing.value === message.id) return <QuestionEditor message={message} />;
  const idle = running.value.length === 0;
  return (
    <>
      {message.attachments.length > 0 && (
        <ul class="attachments">
          {message.attachments.map((file) => <li key={file.id}><Icon name="file" />{file.name}</li>)}
        </ul>
      )}
      <p class="question">{message.content}</p>
      <footer class="actions">
        <Versions node={node} />
        <CopyButton text={message.content} />
        <IconButton icon="edit" label={words.edit} disabled={!idle} onClick={() => (editing.value = message.id)} />
      </footer>
    </>
  );
}

/** One message. What it shows is in its signal: others do not follow when it grows. */
export function MessageView({ node, message }: { node: TalkNode; message: Signal<ShownMessage> }) {
  const one = message.value;
  const isUser = one.role === "user";
  return (
    <article
      class={`message ${one.role}`}
      id={`message-${one.id}`}
      aria-label={isUser ? strings.value.you : strings.value.assistant}
      aria-busy={one.live !== null}
    >
      {isUser ? <Question node={node} message={one} /> : <Assistant node={node} message={one} />}
    </article>
  );
}
