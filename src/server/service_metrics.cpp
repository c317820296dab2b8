#include "server/service_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <mutex>

namespace sputnik::server {
namespace {

using prometheus::Registry;

prometheus::Gauge& gauge(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter& counter(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Histogram& histogram(Registry& registry, const char* name, const char* help,
                                 const prometheus::Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

const prometheus::Histogram::BucketBoundaries kToFirst = {0.01, 0.05, 0.1, 0.25, 0.5, 1,   2.5,
                                                          5,    10,   30,  60,   300, 1800};
const prometheus::Histogram::BucketBoundaries kGap = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                      0.1,   0.15,   0.25,  0.5,  1,     5};

// Counters only go up: sets one to what somebody else has counted.
void raise(prometheus::Counter& counter, std::int64_t value) {
  const double more = static_cast<double>(value) - counter.Value();
  if (more > 0) counter.Increment(more);
}

}  // namespace

struct ServiceMetrics::Impl {
  explicit Impl(Registry& r) : registry(r) {}

  Registry& registry;
  std::mutex mutex;  // of on_tokens
  OnTokens on_tokens;

  prometheus::Histogram& to_first_token =
      histogram(registry, "sputnik_time_to_first_token_seconds",
                "From the request to its first token", kToFirst);
  prometheus::Histogram& gaps =
      histogram(registry, "sputnik_token_gap_seconds", "Between two tokens of one request", kGap);
  prometheus::Histogram& queued = histogram(registry, "sputnik_queue_seconds",
                                            "From the request to its first computation", kToFirst);
  prometheus::Family<prometheus::Counter>& finished =
      prometheus::BuildCounter()
          .Name("sputnik_generations_total")
          .Help("Finished generations by how their first answer ended")
          .Register(registry);
  prometheus::Gauge& running =
      gauge(registry, "sputnik_sequences_running", "Sequences in the batch");
  prometheus::Gauge& waiting =
      gauge(registry, "sputnik_sequences_waiting", "Sequences in the queue");
  prometheus::Gauge& blocks =
      gauge(registry, "sputnik_cache_blocks", "Blocks of 64 tokens in the key/value cache");
  prometheus::Gauge& free_blocks = gauge(registry, "sputnik_cache_blocks_free",
                                         "Blocks that nobody uses, cached prefixes included");
  prometheus::Gauge& chunk = gauge(registry, "sputnik_prompt_chunk_tokens",
                                   "Tokens of prompts in a pass beside sequences that decode");
  prometheus::Gauge& disk_bytes =
      gauge(registry, "sputnik_disk_cache_bytes", "Bytes of the cache on disk");
  prometheus::Counter& prompt_tokens =
      counter(registry, "sputnik_prompt_tokens_total", "Tokens of prompts");
  prometheus::Counter& hit_tokens =
      counter(registry, "sputnik_prompt_cache_hit_tokens_total", "Of these, found in the cache");
  prometheus::Counter& generated =
      counter(registry, "sputnik_generated_tokens_total", "Tokens of answers");
  prometheus::Counter& computed = counter(registry, "sputnik_computed_tokens_total",
                                          "Rows of forward passes, wrong guesses included");
  prometheus::Counter& drafted =
      counter(registry, "sputnik_drafted_tokens_total", "Tokens that were guessed ahead");
  prometheus::Counter& accepted =
      counter(registry, "sputnik_draft_accepted_tokens_total", "Of these, the ones that came true");
  prometheus::Counter& preemptions = counter(registry, "sputnik_preemptions_total",
                                             "Sequences sent back to the queue for want of blocks");
  prometheus::Counter& disk_hits =
      counter(registry, "sputnik_disk_cache_hit_blocks_total", "Blocks read from disk");
  prometheus::Counter& disk_rejected =
      counter(registry, "sputnik_disk_cache_rejected_files_total", "Files that were damaged");
};

ServiceMetrics::ServiceMetrics(Metrics& metrics)
    : impl_(std::make_unique<Impl>(metrics.registry())) {}

ServiceMetrics::~ServiceMetrics() = default;

void ServiceMetrics::set_on_tokens(OnTokens on_tokens) {
  const std::lock_guard lock(impl_->mutex);
  impl_->on_tokens = std::move(on_tokens);
}

void ServiceMetrics::first_token(double ms) {
  impl_->to_first_token.Observe(ms / 1000);
}

void ServiceMetrics::gap(double ms) {
  impl_->gaps.Observe(ms / 1000);
}

void ServiceMetrics::finished(const service::GenerateRequest& request, service::Finish finish,
                              const service::Usage& usage, const service::Timing& timing) {
  impl_->queued.Observe(timing.queued_ms / 1000);
  impl_->finished.Add({{"finish", to_string(finish)}}).Increment();
  const std::lock_guard lock(impl_->mutex);
  if (impl_->on_tokens) impl_->on_tokens(request.key_id, usage.total_tokens());
}

void ServiceMetrics::refresh(const EngineStats& stats) {
  impl_->running.Set(static_cast<double>(stats.n_running));
  impl_->waiting.Set(static_cast<double>(stats.n_waiting));
  impl_->blocks.Set(static_cast<double>(stats.n_blocks));
  impl_->free_blocks.Set(static_cast<double>(stats.n_free_blocks));
  impl_->chunk.Set(static_cast<double>(stats.n_prompt_chunk));
  impl_->disk_bytes.Set(static_cast<double>(stats.disk_bytes));
  raise(impl_->prompt_tokens, stats.n_prompt_tokens);
  raise(impl_->hit_tokens, stats.n_cache_hit_tokens);
  raise(impl_->generated, stats.n_generated_tokens);
  raise(impl_->computed, stats.n_computed_tokens);
  raise(impl_->drafted, stats.n_drafted);
  raise(impl_->accepted, stats.n_accepted);
  raise(impl_->preemptions, stats.n_preemptions);
  raise(impl_->disk_hits, stats.n_disk_hits);
  raise(impl_->disk_rejected, stats.n_disk_rejected);
}

}  // namespace sputnik::server
