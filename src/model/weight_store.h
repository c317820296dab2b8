// The weights of a model file by their Hugging Face names, and the memory behind them.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "formats/raw_tensor.h"
#include "ops/weight.h"

namespace sputnik {

// Makes tensors that a WeightStore is asked for and does not hold: for training, where weights are
// float32 parameters that are initialised, or copied out of a file.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  virtual bool contains(const std::string& name) const = 0;
  // Called once per name. The result lives as long as the store.
  virtual Result<RawTensor> make(const std::string& name, std::int64_t rows, std::int64_t cols) = 0;
};

// Matrices stay where they are, in mapped files, and so do vectors of float32; other vectors are
// converted to copies, which are small. Weights that it hands out borrow from it. Errors name the
// tensor: kNotFound (absent), kCorrupt (shape), kUnsupported (type).
class WeightStore {
 public:
  // owner keeps the mapped files alive.
  explicit WeightStore(std::shared_ptr<const void> owner) : owner_(std::move(owner)) {}

  // A tensor under its Hugging Face name. Its data must live as long as the owner.
  void add(std::string name, RawTensor tensor);
  // A tensor that exists but cannot be used; asking for it gives the error.
  void add_unreadable(std::string name, Error error);

  // Borrowed; asked for what has not been added.
  void set_source(WeightSource* source) { source_ = source; }

  bool contains(const std::string& name) const {
    return tensors_.contains(name) || (source_ != nullptr && source_->contains(name));
  }

  // [rows, cols], or any shape whose last dimension is cols and whose others multiply to rows.
  Result<Weight> matrix(const std::string& name, std::int64_t rows, std::int64_t cols);
  // n float32 numbers.
  Result<Weight> vector(const std::string& name, std::int64_t n);

  // Bytes of weights by type, for information: everything in the file.
  std::map<std::string, std::int64_t> bytes_by_type() const;

 private:
  struct Entry {
    RawTensor tensor;
    std::shared_ptr<const Error> error;  // set: unreadable
  };
  Result<const RawTensor*> find(const std::string& name, std::int64_t rows, std::int64_t cols);
  const float* to_floats(const RawTensor& tensor);

  std::shared_ptr<const void> owner_;
  WeightSource* source_ = nullptr;
  std::unordered_map<std::string, Entry> tensors_;
  std::deque<std::vector<float>> converted_;
};

}  // namespace sputnik
