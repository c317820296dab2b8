import { useSignalEffect, useSignal } from "@preact/signals";

import { strings } from "../state/locale";
import { current, nodes, running } from "../state/talk";
import { focusComposer } from "./ui";

/** The one place that speaks by itself to those who listen: thinking, writing, done. Never the text. */
export function StatusLine() {
  const said = useSignal("");
  const before = useSignal<{ id: string; conversation: string } | null>(null);
  useSignalEffect(() => {
    const words = strings.value;
    const id = running.value[0];
    const last = before.peek();
    const conversation = current.value?.id ?? "";
    if (id !== undefined) {
      const live = nodes.value.get(id)?.message.value.live;
      const phase = live?.phase;
      const next = phase === "thinking" ? words.nowThinking : phase === "writing" ? words.writing : words.starting;
      if (said.peek() !== next) said.value = next;
      if (last?.id !== id) before.value = { id, conversation };
    } else if (last !== null) {
      before.value = null;
      const state = nodes.peek().get(last.id)?.message.peek().state;
      said.value = state === "interrupted" ? words.stopped : state === "failed" ? words.failed : words.done;
      if (last.conversation === conversation && document.activeElement === document.body) focusComposer();
    }
  });
  return <div class="unseen" role="status">{said.value}</div>;
}
