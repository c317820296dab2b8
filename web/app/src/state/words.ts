import type { ShownMessage } from "./answer";
import type { Strings } from "./strings";

/** What a running answer does, in words. */
export function phaseWords(message: ShownMessage, now: number, words: Strings): string {
  const live = message.live;
  if (live === null) return message.state === "failed" ? words.failed : words.done;
  switch (live.phase) {
    case "queued":
      return words.queued(live.queuePosition);
    case "reading":
      return words.reading(live.promptTotal > 0 ? Math.floor((100 * live.promptDone) / live.promptTotal) : 0);
    case "thinking":
      return words.thinking(Math.max(0, Math.round((now - live.thinkingSince) / 1000)));
    case "writing":
      return words.writing;
    case "lost":
      return words.lost;
    case "starting":
      return words.starting;
  }
}

/** "0.4", "12": seconds as one says them. */
export function seconds(milliseconds: number): string {
  if (milliseconds < 100) return "0.1";
  return milliseconds < 9950 ? (milliseconds / 1000).toFixed(1) : String(Math.round(milliseconds / 1000));
}

/** "8.9 M", "671 B". */
export function parameters(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(count < 1e10 ? 1 : 0)} B`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} M`;
}

/** The thought ended otherwise than the model meant: why. */
export function thoughtEndWords(reason: string, words: Strings): string {
  if (reason === "repetition") return words.endedByLoop;
  if (reason === "budget") return words.endedByBudget;
  return reason === "asked_for" ? words.endedByReader : "";
}
