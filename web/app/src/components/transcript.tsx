import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { strings } from "../state/locale";
import { currentId, path } from "../state/talk";
import { IconButton } from "./button";
import { MessageView } from "./message";

const kNearEnd = 90;  // pixels

/** Follows the text while the reader is at its end, and lets the reader be elsewhere. */
export function Transcript() {
  const words = strings.value;
  const scroller = useRef<HTMLDivElement>(null);
  const log = useRef<HTMLDivElement>(null);
  const atEnd = useSignal(true);
  const toEnd = () => {
    const element = scroller.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  };

  useEffect(() => {
    const element = log.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => atEnd.peek() && toEnd());
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useSignalEffect(() => {
    void currentId.value;  // another conversation begins at its end
    atEnd.value = true;
    requestAnimationFrame(toEnd);
  });

  const lastTop = useRef(0);
  const onScroll = () => {
    const element = scroller.current;
    if (element === null) return;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (rest < kNearEnd) atEnd.value = true;
    else if (element.scrollTop < lastTop.current - 2) atEnd.value = false;  // only a reader scrolls up
    lastTop.current = element.scrollTop;
  };
  const onClick = (event: MouseEvent) => {
    const target = event.target;
    if (!(target instanceof HTMLButtonElement) || !target.classList.contains("copy-code")) return;
    const code = target.closest(".code")?.querySelector("code")?.textContent ?? "";
    void navigator.clipboard.writeText(code).then(() => {
      target.textContent = strings.peek().copied;
      setTimeout(() => (target.textContent = strings.peek().copy), 1500);
    });
  };

  return (
    <div class="transcript" ref={scroller} onScroll={onScroll} onClick={onClick} tabIndex={0} role="group" aria-label={words.transcript}>
      {/* Its status region says what happens; that every token is read aloud is of use to nobody. */}
      <div ref={log} class="log" role="log" aria-live="off" aria-label={words.transcript}>
        {path.value.map((node) => <MessageView key={node.id} node={node} message={node.message} />)}
      </div>
      {!atEnd.value && (
        <IconButton class="jump" icon="down" label={words.jumpToEnd} onClick={() => { atEnd.value = true; toEnd(); }} />
      )}
    </div>
  );
}
