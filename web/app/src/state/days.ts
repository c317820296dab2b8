import type { Conversation } from "../api/types";

export interface Group {
  label: string;
  conversations: Conversation[];
}

export interface DayWords {
  pinned: string;
  today: string;
  yesterday: string;
}

function dayNumber(time: Date): number {
  return Math.floor((time.getTime() - time.getTimezoneOffset() * 60_000) / 86_400_000);
}

/** The pinned ones, then those of each day, the latest first. */
export function groupByDay(all: readonly Conversation[], now: Date, words: DayWords, locale: string): Group[] {
  const format = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });
  const groups: Group[] = [];
  const sorted = [...all].sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.updatedMs - a.updatedMs);
  for (const conversation of sorted) {
    const date = new Date(conversation.updatedMs);
    const age = dayNumber(now) - dayNumber(date);
    const day = age <= 0 ? words.today : age === 1 ? words.yesterday : format.format(date);
    const label = conversation.pinned ? words.pinned : day;
    const last = groups[groups.length - 1];
    if (last?.label === label) last.conversations.push(conversation);
    else groups.push({ label, conversations: [conversation] });
  }
  return groups;
}
