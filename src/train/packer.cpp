#include "train/packer.h"

#include <algorithm>
#include <numeric>

#include "base/rng.h"

namespace sputnik {

double PackedBatch::n_counted() const {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

double PackedBatch::n_counted_after() const {
  return std::accumulate(counts_after.begin(), counts_after.end(), 0.0);
}

void pack_document(const TokenDocument& document, std::int64_t context_length, bool predict_after,
                   PackedBatch& batch) {
  const auto n_rows = static_cast<std::int64_t>(document.tokens.size()) - 1;
  const std::span<const std::int32_t> tokens(document.tokens);
  for (std::int64_t first = 0; first < n_rows; first += context_length) {
    const std::int64_t n = std::min(context_length, n_rows - first);
    const auto begin = static_cast<std::size_t>(first), size = static_cast<std::size_t>(n);
    const std::int64_t first_row = batch.batch.n_tokens();
    batch.batch.add(tokens.subspan(begin, size), 0, {}, 0);
    for (std::size_t i = begin; i < begin + size; ++i) {
      batch.targets.push_back(tokens[i + 1]);
      batch.counts.push_back(document.counts[i + 1] != 0 ? 1.0f : 0.0f);
    }
    if (!predict_after) continue;
    batch.next.add(tokens.subspan(begin + 1, size), 0, {}, 0);
    for (std::size_t i = begin; i < begin + size; ++i) {
      batch.rows_before.push_back(first_row + static_cast<std::int64_t>(i - begin));
      const bool exists = i + 2 < begin + size + 1;
      batch.targets_after.push_back(exists ? tokens[i + 2] : 0);
      batch.counts_after.push_back(exists && document.counts[i + 2] != 0 ? 1.0f : 0.0f);
    }
  }
}

Packer::Packer(const Tokenizer& tokenizer, std::vector<Source> sources,
               const PackerOptions& options)
    : tokenizer_(tokenizer),
      sources_(std::move(sources)),
      options_(options),
      newline_splitter_(tokenizer),
      cursors_(sources_.size()) {
  SPUTNIK_ASSERT(!sources_.empty() && options_.context_length > 0);
  for (const Source& source : sources_) SPUTNIK_ASSERT(source.share > 0);
}

void Packer::set_cursors(std::vector<DataCursor> cursors) {
  SPUTNIK_ASSERT(cursors.size() == sources_.size());
  cursors_ = std::move(cursors);
}

PackedBatch Packer::next(std::int64_t n_tokens) {
  PackedBatch batch;
  while (batch.batch.n_tokens() < n_tokens) {
    // The source that is furthest behind its share.
    std::size_t chosen = 0;
    const auto progress = [&](std::size_t i) {
      return static_cast<double>(cursors_[i].n_tokens) / sources_[i].share;
    };
    for (std::size_t i = 1; i < sources_.size(); ++i) {
      if (progress(i) < progress(chosen)) chosen = i;
    }
    DataCursor& cursor = cursors_[chosen];
    const std::uint64_t index = cursor.next_document++;
    Document document = sources_[chosen].source->document(index);
    Rng rng(options_.seed ^ Rng(index * sources_.size() + chosen).next());
    const double fim = rng.uniform(), after = rng.uniform();
    const std::uint64_t cut = rng.next();
    if (document.is_plain && fim < options_.fim_rate) document = with_middle_at_end(document, cut);
    TokenDocument tokens = tokenize_document(tokenizer_, document);
    newline_splitter_.split(tokens, options_.split_newline_rate, rng);
    cursor.n_tokens += static_cast<std::int64_t>(tokens.tokens.size());
    pack_document(tokens, options_.context_length, after < options_.mtp_share, batch);
  }
  return batch;
}

}  // namespace sputnik
