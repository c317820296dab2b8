import { useState } from "preact/hooks";

import type { ShownMessage } from "../state/answer";
import { strings } from "../state/locale";
import { kBudgets, thinkingBudget } from "../state/settings";
import { answerNow, giveBudget, rethink } from "../state/talk";
import { phaseWords, seconds, thoughtEndWords } from "../state/words";
import { useClock } from "./clock";
import { Icon } from "./icons";
import { Markdown } from "./markdown";
import { focusComposer, useFocus } from "./ui";

/** Changes what a thought may still cost, while it goes on. */
function LiveBudget({ id }: { id: string }) {
  const words = strings.value;
  const chosen = kBudgets.findIndex((one) => one === thinkingBudget.value);
  const [step, setStep] = useState(chosen < 0 ? kBudgets.length - 1 : chosen);
  const tokens = kBudgets[step] ?? 0;
  const label = tokens === 0 ? words.noLimit : words.budgetTokens(tokens);
  return (
    <div class="live-budget">
      <label>
        {words.budget}
        <input
          type="range"
          min={0}
          max={kBudgets.length - 1}
          value={step}
          aria-valuetext={label}
          onInput={(event) => setStep(Number(event.currentTarget.value))}
          onChange={(event) => {
            const budget = kBudgets[Number(event.currentTarget.value)] ?? 0;
            void giveBudget(id, budget === 0 ? 1_000_000 : budget);
          }}
        />
        <output>{label}</output>
      </label>
      <button type="button" class="button" onClick={() => void answerNow(id)}>
        {words.answerNow}
      </button>
    </div>
  );
}

function ThoughtEditor({ message, onClose }: { message: ShownMessage; onClose: () => void }) {
  const words = strings.value;
  const [text, setText] = useState(message.reasoning);
  const area = useFocus<HTMLTextAreaElement>();
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        void rethink(message.id, text);
        onClose();
      }}
    >
      <textarea
        aria-label={words.editThought}
        rows={Math.min(16, text.split("\n").length + 2)}
        value={text}
        ref={area}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && onClose()}
      />
      <div class="row">
        <button type="submit" class="button primary">{words.goOnFromHere}</button>
        <button type="button" class="button" onClick={onClose}>{words.cancel}</button>
      </div>
    </form>
  );
}

/**
 * The thought of an answer. Open while it goes on and folded once the answer begins, unless the reader has said
 * otherwise. What is folded is not in the page.
 */
export function Thought({ message }: { message: ShownMessage }) {
  const words = strings.value;
  const [asked, setAsked] = useState<boolean | null>(null);
  const [editing, setEditing] = useState(false);
  const thinking = message.live !== null && message.content === "";
  const now = useClock(thinking);
  if (message.reasoning === "") return null;
  const open = asked ?? thinking;
  const label = thinking ? phaseWords(message, now, words) : words.thoughtFor(seconds(message.facts.thoughtMs));
  const ended = thoughtEndWords(message.facts.thoughtEnd, words);
  return (
    <section class="thought">
      <button type="button" class="thought-head" aria-expanded={open} onClick={() => setAsked(!open)}>
        <Icon name={open ? "down" : "right"} />
        <span>{label}</span>
      </button>
      {thinking && message.live?.phase === "thinking" && <LiveBudget id={message.id} />}
      {open && !editing && (
        <div class="thought-text">
          <Markdown text={message.reasoning} breaks />
          {message.live === null && (
            <button type="button" class="button small" onClick={() => setEditing(true)}>{words.editThought}</button>
          )}
        </div>
      )}
      {open && editing && <ThoughtEditor message={message} onClose={() => { setEditing(false); focusComposer(); }} />}
      {ended !== "" && <p class="note">{ended}</p>}
    </section>
  );
}
