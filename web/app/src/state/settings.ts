import { effect, signal } from "@preact/signals";

import type { AnswerOptions } from "../api/types";
import { oneOf, remembered } from "./remembered";

export type Theme = "auto" | "light" | "dark";

export const theme = remembered<Theme>("theme", "auto", oneOf("auto", "light", "dark"));

effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
});

const yesNo = (text: string) => (text === "true" ? true : text === "false" ? false : null);
const wholeNumber = (text: string) => (/^-?\d+$/.test(text) ? Number(text) : null);

export const isPhone = () => window.matchMedia("(max-width: 800px)").matches;

export const deepThink = remembered<boolean>("deep-think", true, yesNo);
/** Tokens of a thought; 0: no limit. */
export const thinkingBudget = remembered<number>("budget", 0, wholeNumber);
/** Answers that vote; 1: no vote. */
export const voters = remembered<number>("voters", 1, wholeNumber);
export const sidebarOpen = signal(!isPhone());

/** Budgets of the slider, the last of which is none at all. */
export const kBudgets = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 0] as const;

export function answerOptions(canTurnThinkingOff: boolean): AnswerOptions {
  const options: AnswerOptions = {};
  if (!deepThink.value && canTurnThinkingOff) options.thinking = { enabled: false };
  else if (thinkingBudget.value > 0) options.thinking = { enabled: true, budget: thinkingBudget.value };
  else options.thinking = { enabled: true };
  if (voters.value > 1) Object.assign(options, { n: voters.value, vote: true });
  return options;
}
