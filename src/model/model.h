// What the rest of the program knows of a model.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ops/ops.h"

namespace sputnik {

// A language model: weights bound to a forward pass that is written over Ops. Immutable, so any
// number of threads may use it with an Ops each.
class Model {
 public:
  virtual ~Model() = default;

  // Logits [output_rows.size(), vocab_size] of batch.output_rows. Calls ops.begin(batch).
  // final_hidden, if not null, receives the normalised hidden states of all T tokens [T,
  // hidden_size], which mtp_forward takes; they live until the next forward pass, so copy them.
  virtual Tensor forward(Ops& ops, const Batch& batch, Tensor* final_hidden = nullptr) const = 0;

  // Multi-token prediction (DeepSeek-V3 report, section 2.2): for each row i of batch, whose tokens
  // are those that FOLLOW the main model's tokens, and final_hidden [T, hidden_size] of the main
  // model at the same positions (in memory of the caller): logits of the token after
  // batch.tokens[i], for batch.output_rows. Only if num_nextn_predict_layers() > 0. Its cache layer
  // comes after the main model's.
  virtual Tensor mtp_forward(Ops& ops, const Batch& batch, const Tensor& final_hidden) const = 0;
  virtual std::int64_t num_nextn_predict_layers() const { return 0; }

  // Cross-entropy of batch.output_rows against targets (one entry per output row), without ever
  // holding all logits: [output_rows.size(), 1]. Calls ops.begin(batch). final_hidden as in
  // forward.
  virtual Tensor losses(Ops& ops, const Batch& batch, const LossTargets& targets,
                        Tensor* final_hidden = nullptr) const = 0;
  // The same of the prediction module. Belongs to the pass that made final_hidden: does not call
  // ops.begin. batch as in mtp_forward.
  virtual Tensor mtp_losses(Ops& ops, const Batch& batch, const Tensor& final_hidden,
                            const LossTargets& targets) const = 0;

  virtual std::int64_t vocab_size() const = 0;
  virtual std::int64_t hidden_size() const = 0;
  virtual std::int64_t num_hidden_layers() const = 0;
  virtual std::int64_t max_position_embeddings() const = 0;
  virtual CacheShape cache_shape() const = 0;

  // Every weight, for counting.
  virtual std::vector<const Weight*> weights() const = 0;
  // Parameters that one token uses: all but the experts it does not visit and prediction modules.
  virtual std::int64_t n_active_parameters() const = 0;
};

}  // namespace sputnik
