import { receiptPath } from "../api/app";
import type { ShownMessage } from "../state/answer";
import { strings } from "../state/locale";
import { seconds } from "../state/words";

/** How an answer came about. */
export function AnswerCard({ message }: { message: ShownMessage }) {
  const words = strings.value;
  const facts = message.facts;
  const rows: [string, string][] = [
    [words.model, facts.model],
    [words.quantization, facts.quantization],
    [words.seed, facts.seed === null ? "" : String(facts.seed)],
    [words.promptTokens, String(facts.promptTokens)],
    [words.cachedTokens, String(facts.cachedTokens)],
    [words.thoughtTokens, String(facts.reasoningTokens)],
    [words.answerTokens, String(Math.max(0, facts.completionTokens - facts.reasoningTokens))],
    [words.time, `${seconds(facts.queuedMs + facts.promptMs + facts.generationMs)} s`],
    ["", facts.tokensPerS > 0 ? words.tokensPerS(facts.tokensPerS.toFixed(1)) : ""],
  ];
  return (
    <div class="card">
      <dl>
        {rows.map(([name, value]) => value !== "" && (
          <div key={name}>
            <dt>{name || "⌀"}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {facts.hasReceipt && (
        <a class="button small" href={receiptPath(message.id)} download={`receipt-${message.id}.json`}>
          {words.receipt}
        </a>
      )}
    </div>
  );
}
