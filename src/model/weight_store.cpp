#include "model/weight_store.h"

#include <fmt/ranges.h>

#include "tensor/quant_codec.h"

namespace sputnik {

void WeightStore::add(std::string name, RawTensor tensor) {
  tensors_[std::move(name)] = {std::move(tensor), nullptr};
}

void WeightStore::add_unreadable(std::string name, Error error) {
  tensors_[std::move(name)] = {{}, std::make_shared<const Error>(std::move(error))};
}

Result<const RawTensor*> WeightStore::find(const std::string& name, std::int64_t rows,
                                           std::int64_t cols) {
  auto it = tensors_.find(name);
  if (it == tensors_.end() && source_ != nullptr) {
    SPUTNIK_TRY(RawTensor made, source_->make(name, rows, cols));
    it = tensors_.emplace(name, Entry{std::move(made), nullptr}).first;
  }
  if (it == tensors_.end()) return not_found("tensor {} is missing", name);
  if (it->second.error != nullptr) return Error(*it->second.error);
  return &it->second.tensor;
}

const float* WeightStore::to_floats(const RawTensor& tensor) {
  std::vector<float>& floats = converted_.emplace_back(static_cast<std::size_t>(tensor.numel()));
  dequantize_row(tensor.dtype, tensor.data.data(), floats.data(), tensor.numel());
  return floats.data();
}

Result<Weight> WeightStore::matrix(const std::string& name, std::int64_t rows, std::int64_t cols) {
  SPUTNIK_TRY(const RawTensor* tensor, find(name, rows, cols));
  if (tensor->shape.empty() || tensor->shape.back() != cols || tensor->numel() != rows * cols) {
    return corrupt("tensor {} has shape [{}], not [{}, {}]", name, fmt::join(tensor->shape, ", "),
                   rows, cols);
  }
  if (cols % traits(tensor->dtype).block_size != 0) {
    return corrupt("tensor {}: rows of {} cannot be {} blocks of {}", name, cols,
                   sputnik::name(tensor->dtype), traits(tensor->dtype).block_size);
  }
  Weight weight{name, tensor->dtype, tensor->data.data(), rows, cols, nullptr, 0};
  if (tensor->dtype == DType::kF8E4M3) {
    const std::string scale_name = name + "_scale_inv";
    SPUTNIK_TRY(const RawTensor* scale, find(scale_name, (rows + 127) / 128, (cols + 127) / 128));
    if (scale->dtype != DType::kF32 ||
        scale->numel() != (rows + 127) / 128 * ((cols + 127) / 128)) {
      return corrupt("tensor {} is not F32 [{}, {}]", scale_name, (rows + 127) / 128,
                     (cols + 127) / 128);
    }
    weight.scales = to_floats(*scale);
  }
  return weight;
}

Result<Weight> WeightStore::vector(const std::string& name, std::int64_t n) {
  SPUTNIK_TRY(const RawTensor* tensor, find(name, 1, n));
  if (tensor->numel() != n) {
    return corrupt("tensor {} has shape [{}], not [{}]", name, fmt::join(tensor->shape, ", "), n);
  }
  if (tensor->dtype == DType::kF8E4M3)
    return unsupported("tensor {} is a vector of type F8_E4M3", name);
  const std::byte* floats = tensor->dtype == DType::kF32
                                ? tensor->data.data()
                                : reinterpret_cast<const std::byte*>(to_floats(*tensor));
  return Weight{name, DType::kF32, floats, 1, n, nullptr, 0};
}

std::map<std::string, std::int64_t> WeightStore::bytes_by_type() const {
  std::map<std::string, std::int64_t> bytes;
  for (const auto& [name, entry] : tensors_) {
    if (entry.error == nullptr) {
      bytes[std::string(sputnik::name(entry.tensor.dtype))] +=
          static_cast<std::int64_t>(entry.tensor.data.size());
    }
  }
  return bytes;
}

}  // namespace sputnik
