// Documents of several sources as batches.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ops/batch.h"
#include "tokenizer/tokenizer.h"
#include "train/document_source.h"
#include "train/newline_splitter.h"

namespace sputnik {

// Documents, each a sequence that sees no other, and what follows each token. A document of n
// tokens gives n - 1 rows.
struct PackedBatch {
  Batch batch;
  std::vector<std::int32_t> targets;
  std::vector<float> counts;  // 1: the target is learned, 0: it is not
  // For the prediction module, of some of the sequences: the rows of batch, the tokens that follow
  // them, and what follows those.
  std::vector<std::int64_t> rows_before;
  Batch next;
  std::vector<std::int32_t> targets_after;
  std::vector<float> counts_after;

  double n_counted() const;
  double n_counted_after() const;
};

struct PackerOptions {
  std::int64_t context_length = 512;
  double fim_rate = 0;  // share of plain documents that are learned with their middle at the end
  // Share of documents that the prediction module learns from as well.
  double mtp_share = 1;
  // Share of the tokens that hold punctuation and the line breaks behind it which are read as two
  // (DeepSeek-V3 report, section 4.1): a prompt may end between them.
  double split_newline_rate = 0;
  std::uint64_t seed = 0;
};

// Where a packer stands, for each source.
struct DataCursor {
  std::uint64_t next_document = 0;
  std::int64_t n_tokens = 0;  // read so far
  bool operator==(const DataCursor&) const = default;
};

class Packer {
 public:
  struct Source {
    std::unique_ptr<DocumentSource> source;
    double share = 1;  // of all tokens, beside the other sources' shares
  };

  // Borrows the tokenizer, which must know the control tokens.
  Packer(const Tokenizer& tokenizer, std::vector<Source> sources, const PackerOptions& options);

  // Whole documents until there are at least n_tokens rows. Of a document that is longer than the
  // context, every part of that length is a sequence.
  PackedBatch next(std::int64_t n_tokens);

  const std::vector<DataCursor>& cursors() const { return cursors_; }
  void set_cursors(std::vector<DataCursor> cursors);  // one for each source

 private:
  const Tokenizer& tokenizer_;
  std::vector<Source> sources_;
  PackerOptions options_;
  NewlineSplitter newline_splitter_;
  std::vector<DataCursor> cursors_;
};

// Appends one document, in parts of context_length rows.
void pack_document(const TokenDocument& document, std::int64_t context_length, bool predict_after,
                   PackedBatch& batch);

}  // namespace sputnik
