/** Pictures of one line each, 20 by 20. Buttons that hold one have a name of their own. */
const kPaths = {
  menu: "M3 5h14M3 10h14M3 15h14",
  plus: "M10 4v12M4 10h12",
  send: "M10 16V4M5 9l5-5 5 5",
  stop: "M6 6h8v8H6z",
  attach: "M14 6 8 12a2 2 0 0 0 3 3l6-6a4 4 0 0 0-6-6L5 9a6 6 0 0 0 8 8l4-4",
  copy: "M7 7h9v9H7zM4 13V4h9",
  edit: "M4 16l1-4 8-8 3 3-8 8zM11 6l3 3",
  again: "M16 8a6 6 0 1 0 0 5M16 4v4h-4",
  left: "M12 5l-5 5 5 5",
  right: "M8 5l5 5-5 5",
  down: "M5 8l5 5 5-5",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  info: "M10 9v5M10 6h.01M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15",
  search: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4M13 13l4 4",
  close: "M5 5l10 10M15 5L5 15",
  gear: "M10 7a3 3 0 1 0 0 6 3 3 0 0 0 0-6M10 2v3M10 15v3M2 10h3M15 10h3M4.500 4.500l2 2M13.500 13.500l2 2M4.500 15.500l2-2M13.500 6.500l2-2",
  ghost: "M5 17V9a5 5 0 0 1 10 0v8l-2.500-2-2.500 2-2.500-2zM8 9h.01M12 9h.01",
  file: "M6 3h6l3 3v11H6zM12 3v4h3",
} as const;

export function Icon({ name }: { name: keyof typeof kPaths }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
      <path d={kPaths[name]} fill="none" stroke="currentColor" stroke-width="1.600" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
