import { useState } from "preact/hooks";

import type { ShownMessage } from "../state/answer";
import { strings } from "../state/locale";
import { nodes, running } from "../state/talk";
import { versionsOf } from "../state/tree";
import { Markdown } from "./markdown";

/** How many answers agree with this one, and what the others said. */
export function Vote({ message }: { message: ShownMessage }) {
  const words = strings.value;
  const [open, setOpen] = useState(false);
  const versions = versionsOf(nodes.value, message);
  if (message.live !== null) {
    const count = versions.filter((one) => running.value.includes(one.id)).length;
    if (count < 2) return null;
    const ready = versions.filter((one) => one.message.value.facts.finish !== "" && one.message.value.live !== null);
    return <p class="vote note">{words.countingVotes(ready.length, count)}</p>;
  }
  const vote = message.facts.vote;
  if (vote === null) return null;
  const others = versions.filter((one) => one.id !== message.id && one.message.value.facts.vote !== null);
  return (
    <section class="vote">
      <p class="note">
        <strong>{words.agreement(vote.votes, vote.counted, vote.answer)}</strong>
      </p>
      {others.length > 0 && (
        <button type="button" class="button small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {words.dissent(others.length)}
        </button>
      )}
      {open && (
        <ol class="dissent">
          {others.map(({ id, message: other }) => {
            const its = other.value.facts.vote;
            return (
              <li key={id}>
                {its !== null && <p class="note">{words.agreement(its.votes, its.counted, its.answer)}</p>}
                <Markdown text={other.value.content || other.value.reasoning.slice(-300)} />
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}
