#include "formats/gguf.h"

#include <algorithm>
#include <utility>

#include "formats/byte_reader.h"
#include "formats/printable.h"

namespace sputnik {

// One file of a model.
struct GgufShard {
  std::uint32_t version = 0;
  std::uint64_t file_bytes = 0;
  GgufMetadata metadata;
  std::vector<GgufTensorInfo> tensors;
  std::uint64_t split_no = 0;
  std::uint64_t split_count = 1;
};

namespace {

constexpr std::uint32_t kMagic = 0x46554747;                  // "GGUF"
constexpr std::uint64_t kMinTensorInfoBytes = 8 + 4 + 4 + 8;  // empty name, no dimensions
constexpr std::uint32_t kMaxDims = 4;                         // GGML_MAX_DIMS
constexpr std::uint64_t kMaxTensors = 1 << 20;                // real models have a few thousand
constexpr std::uint64_t kMaxNameBytes = 1024;                 // ggml itself allows 64
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMaxAlignment = 1 << 20;

struct Header {
  std::uint32_t version = 0;
  std::uint64_t n_tensors = 0;
  std::uint64_t n_metadata = 0;
};

Result<Header> read_header(ByteReader& in) {
  std::uint32_t magic = 0;
  if (!in.try_read(magic) || magic != kMagic) return corrupt("not a GGUF file");
  Header header;
  SPUTNIK_TRY(header.version, in.read<std::uint32_t>());
  // The version of a big-endian file has its one non-zero byte at the wrong end.
  if (header.version != 0 && (header.version & 0xFFFF) == 0)
    return unsupported("big-endian GGUF files are not read");
  if (header.version == 1) {
    return unsupported(
        "GGUF version 1 is not read: convert the model again with a current program");
  }
  if (header.version != 2 && header.version != 3) {
    return unsupported("GGUF version {} is not known, only 2 and 3 are", header.version);
  }
  SPUTNIK_TRY(header.n_tensors, in.read<std::uint64_t>());
  SPUTNIK_TRY(header.n_metadata, in.read<std::uint64_t>());
  return header;
}

Result<std::uint64_t> read_alignment(const GgufMetadata& metadata) {
  SPUTNIK_TRY(const auto alignment, metadata.get_u64_or("general.alignment", kDefaultAlignment));
  if (alignment == 0 || alignment % 8 != 0 || alignment > kMaxAlignment) {
    return corrupt("general.alignment is {}, not a multiple of 8 up to {}", alignment,
                   kMaxAlignment);
  }
  return alignment;
}

// The place where the tensor's data begin, and how much of it there is if its type is known.
struct TensorPlace {
  std::uint64_t offset = 0;  // from the beginning of the data section
  std::uint64_t n_bytes = 0;
};

Result<TensorPlace> read_tensor_info(ByteReader& in, GgufTensorInfo& info) {
  SPUTNIK_TRY(const auto n_dims, in.read<std::uint32_t>());
  if (n_dims > kMaxDims) return corrupt("{} dimensions, at most {} are possible", n_dims, kMaxDims);
  info.numel = 1;
  for (std::uint32_t d = 0; d < n_dims; ++d) {
    SPUTNIK_TRY(const auto size, in.read<std::uint64_t>());
    if (size == 0) return corrupt("dimension {} is 0", d);
    if (!std::in_range<std::int64_t>(size) ||
        !mul_fits(info.numel, static_cast<std::int64_t>(size), info.numel)) {
      return corrupt("dimension {} is {}: too many elements to count", d, size);
    }
    info.shape.push_back(static_cast<std::int64_t>(size));
  }
  const std::int64_t row = info.shape.empty() ? 1 : info.shape.front();
  std::reverse(info.shape.begin(), info.shape.end());

  SPUTNIK_TRY(info.ggml_type, in.read<std::uint32_t>());
  info.dtype = dtype_from_ggml(info.ggml_type);
  TensorPlace place;
  SPUTNIK_TRY(place.offset, in.read<std::uint64_t>());
  if (!info.dtype) return place;

  const DTypeTraits& type = traits(*info.dtype);
  if (row % type.block_size != 0) {
    return corrupt("rows of {} elements are not whole {} blocks of {}", row, type.name,
                   type.block_size);
  }
  std::int64_t n_bytes = 0;
  if (!mul_fits(info.numel / type.block_size, type.block_bytes, n_bytes)) {
    return corrupt("{} elements of {} are too many bytes to count", info.numel, type.name);
  }
  place.n_bytes = static_cast<std::uint64_t>(n_bytes);
  return place;
}

// Sets info.data, once the place of the data section is known.
Result<void> locate(std::span<const std::byte> bytes, std::uint64_t data_begin,
                    std::uint64_t alignment, const TensorPlace& place, GgufTensorInfo& info) {
  if (place.offset % alignment != 0) {
    return corrupt("its offset {} is not a multiple of the alignment {}", place.offset, alignment);
  }
  std::uint64_t begin = 0, end = 0;
  if (!add_fits(data_begin, place.offset, begin) || !add_fits(begin, place.n_bytes, end)) {
    return corrupt("its offset {} is out of range", place.offset);
  }
  if (end > bytes.size()) {
    return corrupt("its data end at byte {}, but the file has only {}: it is not complete", end,
                   bytes.size());
  }
  if (info.dtype) info.data = bytes.subspan(begin, place.n_bytes);
  return ok_result();
}

Result<void> check_disjoint(const std::vector<GgufTensorInfo>& tensors) {
  std::vector<const GgufTensorInfo*> order;
  for (const GgufTensorInfo& info : tensors) {
    if (!info.data.empty()) order.push_back(&info);
  }
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return a->data.data() < b->data.data(); });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->data.data() + order[i - 1]->data.size() > order[i]->data.data()) {
      return corrupt("tensors {} and {} overlap", printable(order[i - 1]->name),
                     printable(order[i]->name));
    }
  }
  return ok_result();
}

Result<GgufShard> parse_shard(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  SPUTNIK_TRY(const auto header, read_header(in));
  GgufShard shard;
  shard.version = header.version;
  shard.file_bytes = bytes.size();
  SPUTNIK_TRY(shard.metadata, GgufMetadata::parse(in, header.n_metadata));
  SPUTNIK_TRY(const auto alignment, read_alignment(shard.metadata));
  SPUTNIK_TRY(shard.split_no, shard.metadata.get_u64_or("split.no", 0));
  SPUTNIK_TRY(shard.split_count, shard.metadata.get_u64_or("split.count", 1));
  shard.split_count = std::max<std::uint64_t>(shard.split_count, 1);  // 0 in files that were merged
  if (shard.split_no >= shard.split_count) {
    return corrupt("split.no is {}, but split.count {}", shard.split_no, shard.split_count);
  }

  // Bound the count by what the file could hold before reserving memory for it.
  if (header.n_tensors > in.remaining() / kMinTensorInfoBytes) {
    return corrupt("{} tensors cannot fit", header.n_tensors);
  }
  if (header.n_tensors > kMaxTensors) {
    return corrupt("{} tensors are more than any model needs", header.n_tensors);
  }
  std::vector<TensorPlace> places;
  places.reserve(header.n_tensors);
  shard.tensors.reserve(header.n_tensors);
  for (std::uint64_t i = 0; i < header.n_tensors; ++i) {
    const auto nth = [&] { return fmt::format("tensor {} of {}", i, header.n_tensors); };
    auto name_size = in.read<std::uint64_t>();
    if (!name_size.ok()) return std::move(name_size).error().in(nth());
    if (name_size.value() > kMaxNameBytes)
      return corrupt("{}: its name is {} bytes long", nth(), name_size.value());
    GgufTensorInfo info;
    if (!in.try_take(name_size.value(), info.name)) return in.past_end(name_size.value()).in(nth());
    auto place = read_tensor_info(in, info);
    if (!place.ok())
      return std::move(place).error().in(fmt::format("tensor {}", printable(info.name)));
    places.push_back(place.value());
    shard.tensors.push_back(std::move(info));
  }

  std::uint64_t data_begin = 0;
  const bool fits = add_fits(in.position(), alignment - 1, data_begin);
  SPUTNIK_ASSERT(fits);  // both are far smaller than 2^63
  data_begin -= data_begin % alignment;
  for (std::size_t i = 0; i < shard.tensors.size(); ++i) {
    auto located = locate(bytes, data_begin, alignment, places[i], shard.tensors[i]);
    if (!located.ok()) {
      return std::move(located).error().in(
          fmt::format("tensor {}", printable(shard.tensors[i].name)));
    }
  }
  SPUTNIK_CHECK_OK(check_disjoint(shard.tensors));
  return shard;
}

// What llama.cpp's gguf-split appends to the name of shard i.
std::string split_suffix(std::uint64_t i, std::uint64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", i + 1, count);
}

std::string supported_types() {
  std::string list;
  for (int i = 0; i < kNumDTypes; ++i) {
    const DTypeTraits& type = traits(static_cast<DType>(i));
    if (type.ggml_type == kNoGgmlType) continue;
    if (!list.empty()) list += ", ";
    list += type.name;
  }
  return list;
}

}  // namespace

Result<GgufFile> GgufFile::join(std::vector<GgufShard> shards) {
  SPUTNIK_ASSERT(!shards.empty());
  GgufFile file;
  file.n_shards_ = static_cast<int>(shards.size());
  file.version_ = shards.front().version;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    GgufShard& shard = shards[i];
    if (shard.split_count != shards.size() || shard.split_no != i) {
      return corrupt("part {} of {} says that it is part {} of {}", i + 1, shards.size(),
                     shard.split_no + 1, shard.split_count);
    }
    file.file_bytes_ += shard.file_bytes;
    for (GgufTensorInfo& info : shard.tensors) {
      info.shard = static_cast<int>(i);
      if (!file.index_.emplace(info.name, file.tensors_.size()).second) {
        return corrupt("tensor {} occurs twice", printable(info.name));
      }
      file.tensors_.push_back(std::move(info));
    }
  }
  file.metadata_ = std::move(shards.front().metadata);
  if (shards.size() > 1) {
    SPUTNIK_TRY(const auto expected,
                file.metadata_.get_u64_or("split.tensors.count", file.tensors_.size()));
    if (expected != file.tensors_.size()) {
      return corrupt("split.tensors.count is {}, but the parts hold {}", expected,
                     file.tensors_.size());
    }
  }
  return file;
}

Result<GgufFile> GgufFile::parse(std::span<const std::span<const std::byte>> parts) {
  std::vector<GgufShard> shards;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto shard = parse_shard(parts[i]);
    if (!shard.ok()) {
      if (parts.size() == 1) return std::move(shard).error();
      return std::move(shard).error().in(fmt::format("part {} of {}", i + 1, parts.size()));
    }
    shards.push_back(std::move(shard).value());
  }
  return join(std::move(shards));
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  const std::string where = printable(path.string(), 4096);
  SPUTNIK_TRY(auto opened, MappedFile::open(path));
  auto shard = parse_shard(opened.bytes());
  if (!shard.ok()) return std::move(shard).error().in(where);
  const std::uint64_t no = shard.value().split_no, count = shard.value().split_count;

  std::vector<MappedFile> files;
  std::vector<GgufShard> shards;
  if (count == 1) {
    files.push_back(std::move(opened));
    shards.push_back(std::move(shard).value());
  } else {
    std::string prefix = path.filename().string();
    const std::string suffix = split_suffix(no, count);
    if (!prefix.ends_with(suffix)) {
      return corrupt("{}: this is part {} of {}, so its name must end in {}", where, no + 1, count,
                     suffix);
    }
    prefix.resize(prefix.size() - suffix.size());
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto part_path = path.parent_path() / (prefix + split_suffix(i, count));
      auto part = MappedFile::open(part_path);
      if (!part.ok())
        return std::move(part).error().in(fmt::format("{} needs all {} parts", where, count));
      auto parsed = parse_shard(part.value().bytes());
      if (!parsed.ok()) return std::move(parsed).error().in(printable(part_path.string(), 4096));
      files.push_back(std::move(part).value());
      shards.push_back(std::move(parsed).value());
    }
  }
  auto file = join(std::move(shards));
  if (!file.ok()) return std::move(file).error().in(where);
  file.value().files_ = std::move(files);
  return file;
}

const GgufTensorInfo* GgufFile::find_tensor(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &tensors_[it->second];
}

Result<RawTensor> GgufFile::tensor(std::string_view name) const {
  const GgufTensorInfo* info = find_tensor(name);
  if (info == nullptr) return not_found("tensor {} is missing", printable(name));
  if (!info->dtype) {
    return unsupported("tensor {} has type {}, which is not supported; supported: {}",
                       printable(name), info->type_name(), supported_types());
  }
  return RawTensor{std::string(info->name), *info->dtype, info->shape, info->data};
}

bool looks_like_gguf(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  std::uint32_t magic = 0;
  return in.try_read(magic) && magic == kMagic;
}

}  // namespace sputnik
