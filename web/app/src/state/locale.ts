import { computed, effect } from "@preact/signals";

import { oneOf, remembered } from "./remembered";
import { en, type Strings, zh } from "./strings";

export type Locale = "en" | "zh";

const kTables: Record<Locale, Strings> = { en, zh };

function preferred(): Locale {
  return navigator.languages.some((one) => one.startsWith("zh")) && !navigator.language.startsWith("en") ? "zh" : "en";
}

export const locale = remembered<Locale>("locale", preferred(), oneOf("en", "zh"));
export const strings = computed(() => kTables[locale.value]);

effect(() => {
  document.documentElement.lang = locale.value === "zh" ? "zh-CN" : "en";
});
