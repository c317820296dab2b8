import { model, status } from "../state/chats";
import { strings } from "../state/locale";
import { send, temporary } from "../state/talk";
import { parameters } from "../state/words";

const kSmall = 100e6;  // parameters

/** What is seen before the first question: what the model is, and what may be asked. */
export function Greeting() {
  const words = strings.value;
  const card = model.value;
  const small = card !== null && card.parameters < kSmall;
  return (
    <section class="greeting">
      <h2>{words.greeting}</h2>
      {card !== null && (
        <div class="identity">
          <p>
            {small
              ? words.greetingSmall(card.id, parameters(card.parameters))
              : words.greetingModel(card.id, parameters(card.parameters), card.quantization)}
          </p>
          {card.notice !== "" && <p class="note">{words.notice(card.notice)}</p>}
          {card.isDistill && <p class="note">{words.distillNote}</p>}
          <p class="note">{words.runsHere}</p>
          {status.value?.persistent === false && <p class="note">{words.notKept}</p>}
        </div>
      )}
      {temporary.value && <p class="note">{words.temporaryNote}</p>}
      <p class="try">{words.tryThese}</p>
      <ul class="examples">
        {words.examples.map((example) => (
          <li key={example}>
            <button type="button" class="button" onClick={() => void send(example, [])}>{example}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}
