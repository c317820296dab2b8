import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { IconButton } from "./button";

/** A button that opens a few others. Closes with Esc, with a click elsewhere, and once something has been chosen. */
export function Menu({ label, children }: { label: string; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (event: Event) => {
      if (event.target instanceof Node && element.current?.contains(event.target)) return;
      setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    document.addEventListener("focusin", away);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("focusin", away);
    };
  }, [open]);
  const close = () => {
    setOpen(false);
    element.current?.querySelector("button")?.focus();
  };
  return (
    <div
      class="menu"
      ref={element}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        close();
      }}
    >
      <IconButton icon="more" label={label} expanded={open} onClick={() => setOpen(!open)} />
      {open && <div class="menu-items" onClick={(event) => event.target instanceof HTMLButtonElement && close()}>{children}</div>}
    </div>
  );
}
