// Muon: momentum whose singular values are all made 1 (Jordan et al. 2024, "Muon: An optimizer for
// hidden layers in neural networks"), scaled and decayed as in Liu et al. 2025, "Muon is scalable
// for LLM training" (arXiv:2502.16982).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "train/adamw.h"
#include "train/optimizer.h"

namespace sputnik {

struct MuonOptions {
  double momentum = 0.95;
  // AdamW's learning rate for all that is no matrix of a layer, over Muon's.
  double adamw_ratio = 1;
};

// An expert's matrices are parameters of their own, so each is made orthogonal by itself. Embedding
// and head are tables of vectors, not maps between them; the router's gate is small and decides:
// these, vectors and biases are AdamW's. Attention needs no clipping of its logits here: the
// latents that queries and keys are made of are normed.
bool is_for_muon(const Parameter& parameter);

// Owns the momentum, float32, and an AdamW for the rest. Borrows the parameters.
class Muon final : public Optimizer {
 public:
  // gemm: for the orthogonalisation. bfloat16 is enough, see muon_test.
  Muon(ParameterStore& parameters, const kernels::GemmKernels& gemm, const MuonOptions& options,
       const AdamWOptions& adamw);

  // With gradient G = gradient_scale * parameter.gradient, a matrix [out, in]:
  //   M = momentum M + G,   O = orthogonal(G + momentum M)        Nesterov's momentum
  //   W -= learning_rate (adamw.weight_decay W + 0.2 sqrt(max(out, in)) O)
  // (arXiv:2502.16982, equation 4.) The factor makes the mean square of an update 0.2^2, about what
  // AdamW's is, so both can share a learning rate and a decay. A matrix whose gradient is zero, as
  // that of an expert which no token chose, stays as it is, and so does its momentum: made
  // orthogonal, even the faintest memory of an old direction would be a step of full length.
  void step(ThreadPool& pool, double learning_rate, double gradient_scale = 1) override;

  std::string_view name() const override { return "muon"; }
  std::vector<StateArray> state() override;
  std::int64_t n_steps() const override { return adamw_.n_steps(); }
  void set_n_steps(std::int64_t n) override { adamw_.set_n_steps(n); }

 private:
  struct Matrix {
    Parameter* parameter;
    std::vector<float> momentum;
  };

  const kernels::GemmKernels& gemm_;
  MuonOptions options_;
  AdamW adamw_;
  std::vector<Matrix> matrices_;  // the most expensive first: threads take them one by one
};

// The Newton-Schulz iteration of one matrix, on the calling thread.
class Orthogonalizer {
 public:
  explicit Orthogonalizer(const kernels::GemmKernels& gemm) : gemm_(gemm) {}

  // x, row-major [rows, cols] with rows <= cols, becomes U V^T of its singular value decomposition
  // U S V^T, nearly: singular values down to 0.001 of the largest come within 0.02 of 1 (float32:
  // 0.002). Zero stays zero.
  void apply(float* x, std::int64_t rows, std::int64_t cols);

 private:
  const kernels::GemmKernels& gemm_;
  std::vector<float> gram_, square_;
  std::vector<std::byte> x_rows_, x_panels_, gram_rows_, gram_panels_;
};

}  // namespace sputnik
