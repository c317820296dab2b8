import { Icon } from "./icons";

interface IconButtonProps {
  icon: Parameters<typeof Icon>[0]["name"];
  label: string;
  onClick: () => void;
  disabled?: boolean;
  expanded?: boolean;
  class?: string;
}

export function IconButton({ icon, label, onClick, disabled, expanded, class: kind }: IconButtonProps) {
  return (
    <button
      type="button"
      class={`icon-button ${kind ?? ""}`}
      aria-label={label}
      title={label}
      aria-expanded={expanded}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
