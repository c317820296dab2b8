#include "model/gguf_export.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "model/gguf_keys.h"
#include "tensor/quant_codec.h"
#include "tensor/quantize.h"

namespace sputnik {
namespace {

constexpr std::int64_t kChunkBytes = 8 << 20;   // of a tensor's floats, if its row groups allow it
constexpr std::int64_t kGrainBytes = 64 << 10;  // of floats, for one thread at a time

// What a type can hold. Of blocks it is the scale that is of half precision.
float largest_value(DType dtype) {
  if (dtype == DType::kF32) return std::numeric_limits<float>::max();
  if (dtype == DType::kBF16) return bf16_to_float(0x7F7F);
  return half_to_float(0x7BFF);
}

// Rows of one tensor in its new type.
class RowEncoder {
 public:
  RowEncoder(const GgufTensorSource& source, DType dtype, ThreadPool& pool,
             const kernels::KernelTable& kernels)
      : source_(source),
        dtype_(dtype),
        pool_(pool),
        kernels_(kernels),
        row_bytes_(static_cast<std::size_t>(row_bytes(dtype, source.n_cols()))),
        // Blocks that stay as they are lose nothing.
        copies_(source.dtype() == dtype && source.stored_row(0) != nullptr),
        largest_(largest_value(dtype)),
        scratch_(static_cast<std::size_t>(pool.n_threads())) {}

  std::size_t bytes_per_row() const { return row_bytes_; }

  Result<void> encode(std::int64_t first, std::int64_t n, std::byte* out) {
    const std::int64_t group = source_.row_group();
    const std::int64_t group_bytes = group * source_.n_cols() * std::int64_t{sizeof(float)};
    pool_.parallel_for(n / group, std::max<std::int64_t>(1, kGrainBytes / group_bytes),
                       [&](std::int64_t begin, std::int64_t end, int worker) {
                         for (std::int64_t g = begin; g < end; ++g)
                           encode_group(first + g * group, out + offset(g * group), worker);
                       });
    const std::int64_t bad = bad_row_.load();
    if (bad == kNone) return ok_result();
    return bad_value(bad);
  }

 private:
  static constexpr std::int64_t kNone = INT64_MAX;

  std::size_t offset(std::int64_t row) const { return static_cast<std::size_t>(row) * row_bytes_; }

  void encode_group(std::int64_t first, std::byte* out, int worker) {
    const std::int64_t n = source_.row_group(), cols = source_.n_cols();
    if (copies_) {
      for (std::int64_t i = 0; i < n; ++i)
        std::memcpy(out + offset(i), source_.stored_row(first + i), row_bytes_);
      return;
    }
    std::vector<float>& floats = scratch_[static_cast<std::size_t>(worker)];
    floats.resize(static_cast<std::size_t>(n * cols));
    source_.read_rows(kernels_, first, n, floats.data());
    for (std::int64_t i = 0; i < n; ++i) {
      const float* row = floats.data() + i * cols;
      if (fits(row)) {
        quantize_row(dtype_, row, out + offset(i), cols);
      } else {
        note_bad(first + i);
      }
    }
  }

  bool fits(const float* row) const {
    bool all = true;
    for (std::int64_t c = 0; c < source_.n_cols(); ++c) all &= std::abs(row[c]) <= largest_;
    return all;
  }

  // The first one, whichever thread finds it.
  void note_bad(std::int64_t row) {
    std::int64_t known = bad_row_.load();
    while (row < known && !bad_row_.compare_exchange_weak(known, row)) {
    }
  }

  Error bad_value(std::int64_t row) const {
    const std::int64_t group = source_.row_group(), cols = source_.n_cols();
    std::vector<float> floats(static_cast<std::size_t>(group * cols));
    source_.read_rows(kernels_, row / group * group, group, floats.data());
    const float* begin = floats.data() + row % group * cols;
    const float value =
        *std::find_if(begin, begin + cols, [&](float x) { return !(std::abs(x) <= largest_); });
    if (!std::isfinite(value)) return corrupt("tensor {} holds {}", source_.name, value);
    return unsupported("tensor {} holds {}, which is beyond {}", source_.name, value, name(dtype_));
  }

  const GgufTensorSource& source_;
  const DType dtype_;
  ThreadPool& pool_;
  const kernels::KernelTable& kernels_;
  const std::size_t row_bytes_;
  const bool copies_;
  const float largest_;
  std::vector<std::vector<float>> scratch_;  // by worker
  std::atomic<std::int64_t> bad_row_{kNone};
};

std::string count_of(std::int64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

}  // namespace

Result<GgufExport> GgufExport::create(Checkpoint checkpoint, const GgufQuantization& quantization,
                                      bool keep_mtp) {
  GgufExport result(std::move(checkpoint));
  Checkpoint& c = result.checkpoint_;
  if (!c.config.is_object())
    return corrupt("{}: {}, not an object", c.config_place, c.config.type_name());
  // What cannot be run is not written either.
  SPUTNIK_TRY(const auto model, create_model(c.config, *c.store, c.config_place));
  result.vocab_size_ = model->vocab_size();
  const bool there_is_mtp = has_mtp(c.config, *c.store);
  if (there_is_mtp && !keep_mtp) {
    result.notes_.push_back(fmt::format(
        "{} left out, because other programs refuse files with them; --mtp keeps them",
        count_of(c.config["num_nextn_predict_layers"].get<std::int64_t>(),
                 "layer for multi-token prediction is", "layers for multi-token prediction are")));
  }
  const bool with_mtp = there_is_mtp && keep_mtp;
  SPUTNIK_CHECK_OK(architecture_to_gguf(c.config, with_mtp, result.keys_, result.notes_));
  SPUTNIK_TRY(result.sources_, gguf_tensors(c.config, *c.store, with_mtp));
  result.choose_types(quantization);
  result.keys_.set("general.file_type", quantization.file_type);
  result.keys_.set("general.quantization_version", std::uint32_t{2});
  return result;
}

void GgufExport::choose_types(const GgufQuantization& quantization) {
  const auto& config = checkpoint_.config;
  const auto n_layers = config["num_hidden_layers"].get<std::int64_t>();
  const bool has_head =
      std::any_of(sources_.begin(), sources_.end(),
                  [](const GgufTensorSource& source) { return source.name == "output.weight"; });
  std::int64_t n_again = 0;
  std::vector<std::pair<DType, std::int64_t>> fallbacks;
  for (const GgufTensorSource& source : sources_) {
    GgufTensorKind kind;
    kind.name = source.name;
    kind.n_cols = source.n_cols();
    kind.is_vector = source.is_vector;
    kind.layer = source.layer;
    kind.n_layers = n_layers;
    kind.is_tied_head = !has_head && source.name == "token_embd.weight";
    const DType dtype = gguf_type_of(quantization, kind);
    lines_.push_back({source.name, source.shape, dtype});
    if (is_quantized_block(source.dtype()) && is_quantized_block(dtype) && source.dtype() != dtype)
      ++n_again;
    if (dtype == quantization.matrices || dtype == quantization.sensitive_matrices ||
        dtype == DType::kF32)
      continue;
    const auto it = std::find_if(fallbacks.begin(), fallbacks.end(),
                                 [&](const auto& fallback) { return fallback.first == dtype; });
    if (it == fallbacks.end()) {
      fallbacks.emplace_back(dtype, 1);
    } else {
      ++it->second;
    }
  }
  for (const auto& [dtype, n] : fallbacks) {
    notes_.push_back(fmt::format("{} written as {}: rows that are no whole number of blocks of {}",
                                 count_of(n, "matrix", "matrices"), name(dtype),
                                 traits(quantization.matrices).block_size));
  }
  if (n_again > 0) {
    notes_.push_back(fmt::format("{} quantised already; quantised again, they lose a little more",
                                 count_of(n_again, "tensor was", "tensors were")));
  }
}

std::uint64_t GgufExport::data_bytes() const {
  std::uint64_t bytes = 0;
  for (const GgufTensorLine& line : lines_) bytes += line.data_bytes();
  return bytes;
}

Result<void> GgufExport::write(GgufFileWriter& file, ThreadPool& pool,
                               const kernels::KernelTable& kernels,
                               FunctionRef<bool(std::uint64_t)> on_progress) const {
  std::vector<std::byte> chunk;
  std::uint64_t n_written = 0;
  for (std::size_t t = 0; t < sources_.size(); ++t) {
    const GgufTensorSource& source = sources_[t];
    RowEncoder encoder(source, lines_[t].dtype, pool, kernels);
    const std::int64_t group = source.row_group();
    const std::int64_t group_bytes = group * source.n_cols() * std::int64_t{sizeof(float)};
    const std::int64_t step = group * std::max<std::int64_t>(1, kChunkBytes / group_bytes);
    for (std::int64_t first = 0; first < source.n_rows(); first += step) {
      const std::int64_t n = std::min(step, source.n_rows() - first);
      chunk.resize(static_cast<std::size_t>(n) * encoder.bytes_per_row());
      SPUTNIK_CHECK_OK(encoder.encode(first, n, chunk.data()));
      SPUTNIK_CHECK_OK(file.append(chunk));
      n_written += chunk.size();
      if (!on_progress(n_written)) return make_error(ErrorCode::kCancelled, "interrupted");
    }
  }
  return ok_result();
}

}  // namespace sputnik
