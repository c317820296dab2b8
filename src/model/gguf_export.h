// A model as one GGUF file, tensor by tensor: what is in memory at a time is a few megabytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "formats/gguf_writer.h"
#include "kernels/kernels.h"
#include "model/checkpoint.h"
#include "model/gguf_tensors.h"
#include "model/gguf_types.h"

namespace sputnik {

class GgufExport {
 public:
  // Errors as load_model's; kUnsupported: what GGUF cannot say. keep_mtp: with the prediction
  // modules, which other programs refuse.
  static Result<GgufExport> create(Checkpoint checkpoint, const GgufQuantization& quantization,
                                   bool keep_mtp = false);

  // Those of the architecture; what else the file is to say is set by the caller.
  GgufKeys& keys() { return keys_; }
  std::int64_t vocab_size() const { return vocab_size_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }

  const std::vector<GgufTensorLine>& tensors() const { return lines_; }
  std::uint64_t data_bytes() const;
  // One line each: what is left out, what has become of types, what may surprise.
  const std::vector<std::string>& notes() const { return notes_; }

  // file was made from keys() and tensors(). on_progress is told how many of data_bytes() are
  // written, and answers whether to go on; otherwise the error is kCancelled. kCorrupt: a weight
  // that is not a number; kUnsupported: one that its type cannot hold. The bytes do not depend on
  // the number of threads.
  Result<void> write(GgufFileWriter& file, ThreadPool& pool, const kernels::KernelTable& kernels,
                     FunctionRef<bool(std::uint64_t)> on_progress) const;

 private:
  explicit GgufExport(Checkpoint checkpoint) : checkpoint_(std::move(checkpoint)) {}
  void choose_types(const GgufQuantization& quantization);

  Checkpoint checkpoint_;
  GgufKeys keys_;
  std::int64_t vocab_size_ = 0;
  std::vector<GgufTensorSource> sources_;
  std::vector<GgufTensorLine> lines_;
  std::vector<std::string> notes_;
};

}  // namespace sputnik
