import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { strings } from "../state/locale";
import { IconButton } from "./button";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  class?: string;
}

/** The browser's own modal dialog: it keeps the focus inside, closes with Esc, and gives the focus back. */
export function Dialog({ title, onClose, children, class: kind }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${kind ?? ""}`}
      aria-label={title}
      onClose={onClose}
      onClick={(event) => event.target === element.current && onClose()}
    >
      <header class="dialog-head">
        <h2>{title}</h2>
        <IconButton icon="close" label={strings.value.close} onClick={onClose} />
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}
